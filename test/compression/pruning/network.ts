import { type Random, seededRandom } from '../../../core/random.ts';
import { int, ints } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor, int64Tensor } from '../../../onnx/tensor.ts';

/** Builds small networks with random weights, layer by layer. Images are `[N, 3, 8, 8]`. */
export class Network {
  readonly builder = new GraphBuilder('network');
  readonly #random: Random;
  readonly input: string;

  constructor(seed = 1, batch: number | 'N' = 'N') {
    this.#random = seededRandom(seed);
    this.input = this.builder.input('image', 'float32', [batch, 3, 8, 8]);
  }

  weight(name: string, dims: readonly number[]): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const scale = 1 / Math.sqrt(count / (dims[0] ?? 1));
    return this.builder.constant(
      name,
      float32Tensor(
        dims,
        Float32Array.from({ length: count }, () => scale * this.#random.normal()),
      ),
    );
  }

  conv(
    x: string,
    from: number,
    to: number,
    options: { name?: string; kernel?: number; stride?: number; group?: number } = {},
  ): string {
    const { name = 'conv', kernel = 3, stride = 1, group = 1 } = options;
    const pad = (kernel - 1) / 2;
    const weight = this.weight(`${name}.weight`, [to, from / group, kernel, kernel]);
    const bias = this.weight(`${name}.bias`, [to]);
    const attributes = { pads: ints([pad, pad, pad, pad]), strides: ints([stride, stride]), group: int(group) };
    return this.builder.node('Conv', [x, weight, bias], attributes)[0];
  }

  batchNorm(x: string, channels: number): string {
    const positive = (name: string): string =>
      this.builder.constant(
        name,
        float32Tensor(
          [channels],
          Float32Array.from({ length: channels }, () => 0.5 + this.#random.next()),
        ),
      );
    const [mean, shift] = [this.weight('mean', [channels]), this.weight('shift', [channels])];
    return this.op('BatchNormalization', x, positive('gain'), shift, mean, positive('variance'));
  }

  op(opType: string, ...inputs: string[]): string {
    return this.builder.node(opType, inputs)[0];
  }

  relu(x: string): string {
    return this.op('Relu', x);
  }

  concat(...inputs: string[]): string {
    return this.builder.node('Concat', inputs, { axis: int(1) })[0];
  }

  /** Zeros around the channels, as CIFAR ResNets widen a shortcut. */
  padChannels(x: string, before: number, after: number): string {
    const pads = this.builder.constant('pads', int64Tensor([8], [0, before, 0, 0, 0, after, 0, 0]));
    return this.op('Pad', x, pads);
  }

  gemm(x: string, from: number, to: number, name = 'gemm'): string {
    const [weight, bias] = [this.weight(`${name}.weight`, [to, from]), this.weight(`${name}.bias`, [to])];
    return this.builder.node('Gemm', [x, weight, bias], { transB: int(1) })[0];
  }

  /** Mean over the image, then `classes` scores. */
  head(x: string, channels: number, classes = 5): Model {
    const mean = this.op('GlobalAveragePool', x);
    return this.finish(this.gemm(this.op('Flatten', mean), channels, classes, 'head'), classes);
  }

  finish(scores: string, classes: number): Model {
    this.builder.output(scores, 'float32', ['N', classes]);
    return this.builder.build({ opset: 13, irVersion: 8 });
  }
}
