import { seededRandom } from '../../core/random.ts';
import { int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Model } from '../../onnx/graph.ts';
import { elementCount, float32Tensor } from '../../onnx/tensor.ts';

/** Configuration D of Simonyan and Zisserman 2015 (VGG16), as used on CIFAR-10: channels, or a 2x2 max pooling. */
const LAYERS = [
  64,
  64,
  'pool',
  128,
  128,
  'pool',
  256,
  256,
  256,
  'pool',
  512,
  512,
  512,
  'pool',
  512,
  512,
  512,
  'pool',
] as const;
const CLASSES = 10;

/**
 * A network of VGG16's shape for 32x32 images with random weights: it has the size and the arithmetic of the real one,
 * and no accuracy to lose. 13 convolutions and one matrix product, 14,715,584 weights.
 *
 * Weights are drawn from N(0, 2 / fan-in) (He 2015), which keeps the activations' variance through the ReLUs, so that
 * ranges look like those of a trained network. Input `[1, 3, 32, 32]`, output `[1, 10]`, opset 13.
 *
 * @param seed of the weights: the same seed gives the same bytes
 * @param share of the channels, for tests that need the shape and not the size
 */
export function buildVgg16(seed: number, share = 1): Model {
  const random = seededRandom(seed);
  const builder = new GraphBuilder('vgg16-random');
  const normal = (name: string, dims: readonly number[], deviation: number): string => {
    const values = Float32Array.from({ length: elementCount(dims) }, () => random.normal() * deviation);
    return builder.constant(name, float32Tensor(dims, values));
  };

  let value = builder.input('image', 'float32', [1, 3, 32, 32]);
  let channels = 3;
  for (const [index, layer] of LAYERS.entries()) {
    if (layer === 'pool') {
      [value] = builder.node('MaxPool', [value], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
      continue;
    }
    const width = layer * share;
    const weight = normal(`conv${index}.weight`, [width, channels, 3, 3], Math.sqrt(2 / (channels * 9)));
    const bias = normal(`conv${index}.bias`, [width], 0.01);
    [value] = builder.node('Conv', [value, weight, bias], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) });
    [value] = builder.node('Relu', [value]);
    channels = width;
  }
  const weight = normal('classifier.weight', [CLASSES, channels], Math.sqrt(2 / channels));
  const bias = normal('classifier.bias', [CLASSES], 0.01);
  [value] = builder.node('Flatten', [value], { axis: int(1) });
  [value] = builder.node('Gemm', [value, weight, bias], { transB: int(1) });
  builder.output(value, 'float32', [1, CLASSES]);
  return builder.build({ opset: 13, irVersion: 7 });
}
