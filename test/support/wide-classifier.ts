import { seededRandom } from '../../core/random.ts';
import { int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Model } from '../../onnx/graph.ts';
import { float32Tensor } from '../../onnx/tensor.ts';

const WIDTH = 16;

/**
 * The colour classifier with far more channels than it needs: three pass the colours on, the others carry faint noise that
 * hardly moves the answers. What pruning should take is known.
 */
export function wideClassifier(): Model {
  const random = seededRandom(11);
  const builder = new GraphBuilder('wide');
  const image = builder.input('image', 'float32', ['N', 3, 32, 32]);
  /** `[rows, columns, 1, 1]`: ones where both are the same colour, faint noise elsewhere. */
  const filter = (name: string, rows: number, columns: number, size: number): string => {
    const values = Float32Array.from({ length: rows * columns * size * size }, (_, i) => {
      const [row, column] = [Math.floor(i / (columns * size * size)), Math.floor(i / (size * size)) % columns];
      const centre = i % (size * size) === (size * size - 1) / 2;
      return row === column && row < 3 && centre
        ? 1
        : row < 3 || column < 3
          ? 0.004 * random.normal()
          : 0.02 * random.normal();
    });
    return builder.constant(name, float32Tensor([rows, columns, size, size], values));
  };
  const pads = { pads: ints([1, 1, 1, 1]) };
  const [first] = builder.node('Conv', [image, filter('conv1.weight', WIDTH, 3, 3)], pads);
  const [once] = builder.node('Relu', [first]);
  const [second] = builder.node('Conv', [once, filter('conv2.weight', WIDTH, WIDTH, 3)], pads);
  const [twice] = builder.node('Relu', [second]);
  const [mean] = builder.node('GlobalAveragePool', [twice]);
  const [flat] = builder.node('Flatten', [mean]);
  const head = Float32Array.from({ length: 3 * WIDTH }, (_, i) =>
    i % WIDTH === Math.floor(i / WIDTH) ? 1 : 0.01 * random.normal(),
  );
  const weight = builder.constant('head.weight', float32Tensor([3, WIDTH], head));
  const [scores] = builder.node('Gemm', [flat, weight], { transB: int(1) }, { outputs: ['scores'] });
  builder.output(scores, 'float32', ['N', 3]);
  return builder.build({ opset: 13, irVersion: 8 });
}
