import { seededRandom } from '../../core/random.ts';
import { float, int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Model } from '../../onnx/graph.ts';
import { elementCount, float32Tensor, int64Tensor } from '../../onnx/tensor.ts';

/** Weights and parameters for small networks, the same ones every time. */
export class NetworkBuilder extends GraphBuilder {
  readonly #random = seededRandom(7);

  weights(name: string, dims: readonly number[], deviation = 0.3): string {
    const values = Float32Array.from({ length: elementCount(dims) }, () => this.#random.normal() * deviation);
    return this.constant(name, float32Tensor(dims, values));
  }

  positive(name: string, dims: readonly number[]): string {
    const values = Float32Array.from({ length: elementCount(dims) }, () => 0.5 + this.#random.next());
    return this.constant(name, float32Tensor(dims, values));
  }

  integers(name: string, values: readonly number[]): string {
    return this.constant(name, int64Tensor([values.length], values));
  }

  convolution(x: string, from: number, to: number, { stride = 1, kernel = 3 } = {}): string {
    const pad = (kernel - 1) / 2;
    const attributes = {
      kernel_shape: ints([kernel, kernel]),
      pads: ints([pad, pad, pad, pad]),
      strides: ints([stride, stride]),
    };
    return this.node(
      'Conv',
      [x, this.weights('w', [to, from, kernel, kernel]), this.weights('b', [to])],
      attributes,
    )[0];
  }

  batchNorm(x: string, channels: number): string {
    const dims = [channels];
    const parameters = [
      this.positive('g', dims),
      this.weights('beta', dims),
      this.weights('mean', dims),
      this.positive('var', dims),
    ];
    return this.node('BatchNormalization', [x, ...parameters], { epsilon: float(1e-5) })[0];
  }

  relu(x: string): string {
    return this.node('Relu', [x])[0];
  }
}

/**
 * What the exporter must know: BatchNormalization after a convolution and on its own, a residual Add whose shortcut is
 * Slice and Pad, Concat, MaxPool, ReLU6, ReduceMean, a Dropout, a computed constant, MatMul with a separate bias, Softmax.
 */
export function everythingNetwork(): Model {
  const b = new NetworkBuilder('everything');
  const image = b.input('image', 'float32', ['N', 3, 16, 16]);
  const stem = b.relu(b.batchNorm(b.convolution(image, 3, 16), 16));
  const main = b.batchNorm(b.convolution(stem, 16, 32, { stride: 2 }), 32);
  const [sliced] = b.node('Slice', [
    stem,
    b.integers('st', [0, 0]),
    b.integers('en', [99, 99]),
    b.integers('ax', [2, 3]),
    b.integers('sp', [2, 2]),
  ]);
  const [shortcut] = b.node('Pad', [sliced, b.integers('pads', [0, 8, 0, 0, 0, 8, 0, 0])]);
  const [sum] = b.node('Add', [main, shortcut]);
  const joined = b.relu(sum);
  const zero = b.constant('zero', float32Tensor([], Float32Array.of(0)));
  const six = b.constant('six', float32Tensor([], Float32Array.of(6)));
  const [left] = b.node('Clip', [b.convolution(joined, 32, 8, { kernel: 1 }), zero, six]);
  const right = b.relu(b.convolution(joined, 32, 8));
  const [both] = b.node('Concat', [left, right], { axis: int(1) });
  const [pooled] = b.node('MaxPool', [both], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  const [normal] = b.node('Dropout', [b.relu(b.batchNorm(pooled, 16))]);
  const last = b.relu(b.convolution(normal, 16, 16));
  const [mean] = b.node('ReduceMean', [last], { axes: ints([2, 3]), keepdims: int(0) });
  const [doubled] = b.node('Add', [b.weights('h', [10]), b.weights('h2', [10])]);
  const [product] = b.node('MatMul', [mean, b.weights('fc', [16, 10])]);
  const [logits] = b.node('Add', [product, doubled]);
  const [scores] = b.node('Softmax', [logits], { axis: int(1) }, { outputs: ['scores'] });
  b.output(scores, 'float32', ['N', 10]);
  return b.build({ opset: 13, irVersion: 7 });
}
