import { seededRandom } from '../../../core/random.ts';
import { float, int, ints } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor, type Tensor } from '../../../onnx/tensor.ts';

/**
 * The CIFAR-10 ResNet of He et al. (2015), section 4.2: a stem, three stages of `blocks` blocks with 16, 32 and 64
 * channels, 6 * blocks + 2 layers in all; shortcuts that change the shape are 1x1 convolutions. Seeded random weights.
 */
export function resnet(blocks: number, widths: readonly number[] = [16, 32, 64]): Model {
  const random = seededRandom(1);
  const builder = new GraphBuilder(`resnet${6 * blocks + 2}`);
  const weights = (dims: readonly number[], scale: number, offset = 0): Tensor => {
    const values = Float32Array.from(
      { length: dims.reduce((a, b) => a * b, 1) },
      () => offset + scale * random.normal(),
    );
    return float32Tensor(dims, values);
  };
  const conv = (name: string, x: string, from: number, to: number, size: number, stride: number): string => {
    const w = builder.constant(`${name}.weight`, weights([to, from, size, size], Math.sqrt(2 / (from * size * size))));
    const [sum] = builder.node('Conv', [x, w], {
      kernel_shape: ints([size, size]),
      pads: ints(new Array<number>(4).fill((size - 1) / 2)),
      strides: ints([stride, stride]),
    });
    const statistics = [
      builder.constant(`${name}.gamma`, weights([to], 0.1, 1)),
      builder.constant(`${name}.beta`, weights([to], 0.1)),
      builder.constant(`${name}.mean`, weights([to], 0.1)),
      builder.constant(`${name}.variance`, weights([to], 0.05, 1)),
    ];
    return builder.node('BatchNormalization', [sum, ...statistics], { epsilon: float(1e-5) })[0];
  };
  const relu = (x: string): string => builder.node('Relu', [x])[0];
  const [stem = 16] = widths;
  let x = relu(conv('stem', builder.input('image', 'float32', ['N', 3, 32, 32]), 3, stem, 3, 1));
  let channels = stem;
  widths.forEach((width, stage) => {
    for (let block = 0; block < blocks; block++) {
      const name = `stage${stage + 1}.block${block + 1}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const inner = relu(conv(`${name}.conv1`, x, channels, width, 3, stride));
      const outer = conv(`${name}.conv2`, inner, width, width, 3, 1);
      const shortcut = channels === width ? x : conv(`${name}.shortcut`, x, channels, width, 1, stride);
      x = relu(builder.node('Add', [outer, shortcut])[0]);
      channels = width;
    }
  });
  const [pooled] = builder.node('GlobalAveragePool', [x]);
  const [flat] = builder.node('Flatten', [pooled], { axis: int(1) });
  const weight = builder.constant('linear.weight', weights([10, channels], 0.1));
  const bias = builder.constant('linear.bias', weights([10], 0.1));
  builder.node('Gemm', [flat, weight, bias], { transB: int(1) }, { outputs: ['scores'] });
  builder.output('scores', 'float32', ['N', 10]);
  return builder.build({ opset: 13, irVersion: 8 });
}
