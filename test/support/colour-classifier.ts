import { seededRandom } from '../../core/random.ts';
import type { RgbImage } from '../../inference/image.ts';
import { ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Dimension, Model } from '../../onnx/graph.ts';
import { float32Tensor } from '../../onnx/tensor.ts';

/** What a colour classifier expects of its pixels. */
export const COLOUR_PREPROCESSING = {
  size: [8, 8],
  resize: 'stretch',
  crop: 'none',
  mean: [0, 0, 0],
  std: [1, 1, 1],
  layout: 'NCHW',
  channels: 'RGB',
} as const;

/**
 * A classifier whose right answer anyone can see: class 0, 1, 2 for images mostly red, green, blue.
 * Values inside: `image` -> `contrast` (1x1 convolution) -> `kept` (ReLU) -> `mean` -> `flat` -> `scores` (softer by `gain`).
 */
export function colourClassifier({ batch = 'N', gain = 10 }: { batch?: Dimension; gain?: number } = {}): Model {
  const builder = new GraphBuilder('colour');
  const image = builder.input('image', 'float32', [batch, 3, 8, 8]);
  const contrast = builder.constant(
    'contrast.weight',
    float32Tensor([3, 3, 1, 1], Float32Array.of(1, -0.5, -0.5, -0.5, 1, -0.5, -0.5, -0.5, 1)),
  );
  const head = builder.constant(
    'head.weight',
    float32Tensor([3, 3], Float32Array.of(gain, 0, 0, 0, gain, 0, 0, 0, gain)),
  );
  builder.node('Conv', [image, contrast], { kernel_shape: ints([1, 1]) }, { outputs: ['contrast'] });
  builder.node('Relu', ['contrast'], {}, { outputs: ['kept'] });
  builder.node('GlobalAveragePool', ['kept'], {}, { outputs: ['mean'] });
  builder.node('Flatten', ['mean'], {}, { outputs: ['flat'] });
  builder.node('MatMul', ['flat', head], {}, { outputs: ['scores'] });
  builder.output('scores', 'float32', [batch, 3]);
  return builder.build({ opset: 13, irVersion: 8 });
}

export const colourClassifierBytes = (options?: { batch?: Dimension; gain?: number }): Uint8Array =>
  encodeModel(colourClassifier(options));

/** A noisy image in which the channel `colour` is the strongest. */
export function colourImage(colour: 0 | 1 | 2, { width = 8, height = 8, seed = 1 } = {}): RgbImage {
  const random = seededRandom(seed * 3 + colour);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) data[i] = i % 3 === colour ? 160 + random.below(90) : random.below(110);
  return { width, height, data };
}
