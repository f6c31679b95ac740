import { VGG16_STAGES } from '../../compression/training/networks/vgg.ts';
import { seededRandom } from '../../core/random.ts';
import { int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Model } from '../../onnx/graph.ts';
import { elementCount, float32Tensor } from '../../onnx/tensor.ts';

/** What five poolings make of 224. */
const SIDE = 7;
const HIDDEN = 4096;
const CLASSES = 1000;

/**
 * VGG16 as published for photographs, three matrix products at its end (25,088 x 4,096, 4,096 x 4,096, 4,096 x 1,000), with random weights:
 * 138 million of them, the size and the arithmetic of the real one and no accuracy to lose. Weights N(0, 2 / fan-in) keep the activations'
 * variance through the rectifiers (He 2015). Input `[N, 3, 224, 224]`, output `[N, 1000]`, opset 13.
 *
 * @param seed of the weights: the same seed gives the same bytes
 * @param share of the channels, for tests that need the shape and not the size
 */
export function buildVgg16ForPhotographs(seed: number, share = 1): Model {
  const random = seededRandom(seed);
  const builder = new GraphBuilder('vgg16-photographs-random');
  const normal = (name: string, dims: readonly number[], deviation: number): string => {
    const values = new Float32Array(elementCount(dims));
    for (let i = 0; i < values.length; i++) values[i] = random.normal() * deviation;
    return builder.constant(name, float32Tensor(dims, values));
  };
  let value = builder.input('image', 'float32', ['N', 3, 224, 224]);
  let from = 3;
  VGG16_STAGES.forEach((widths, stage) => {
    widths.forEach((channels, i) => {
      const name = `conv${stage + 1}_${i + 1}`;
      const to = channels * share;
      const weight = normal(`${name}.weight`, [to, from, 3, 3], Math.sqrt(2 / (from * 9)));
      const bias = normal(`${name}.bias`, [to], 0.05);
      [value] = builder.node('Conv', [value, weight, bias], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) });
      [value] = builder.node('Relu', [value]);
      from = to;
    });
    [value] = builder.node('MaxPool', [value], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  });
  [value] = builder.node('Flatten', [value], { axis: int(1) });
  let features = from * SIDE * SIDE;
  for (const [index, outputs] of [HIDDEN * share, HIDDEN * share, CLASSES].entries()) {
    const weight = normal(`fc${index + 6}.weight`, [outputs, features], Math.sqrt(2 / features));
    const bias = normal(`fc${index + 6}.bias`, [outputs], 0.05);
    [value] = builder.node('Gemm', [value, weight, bias], { transB: int(1) });
    if (index < 2) [value] = builder.node('Relu', [value]);
    features = outputs;
  }
  builder.output(value, 'float32', ['N', CLASSES]);
  return builder.build({ opset: 13, irVersion: 7 });
}
