import { type Random, seededRandom } from '../../../core/random.ts';
import { float, int, ints } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import type { Attributes, Dimension, Model } from '../../../onnx/graph.ts';
import { elementCount, float32Tensor, int64Tensor } from '../../../onnx/tensor.ts';

/** How an exporter writes a network down. */
export interface Dialect {
  /** 7 to 17. */
  readonly opset: number;
  readonly batch: Dimension;
  /** Side of the square input. */
  readonly size: number;
  readonly classes: number;
  /** `folded`: convolutions carry a bias and no BatchNormalization follows. */
  readonly norm: 'separate' | 'folded';
  readonly pooling: 'GlobalAveragePool' | 'ReduceMean';
  readonly flattening: 'Flatten' | 'Reshape' | 'shapes';
  readonly head: 'Gemm' | 'MatMul';
  readonly dropout: boolean;
  readonly softmax: boolean;
}

export const DIALECT: Dialect = {
  opset: 13,
  batch: 'N',
  size: 32,
  classes: 10,
  norm: 'separate',
  pooling: 'GlobalAveragePool',
  flattening: 'Flatten',
  head: 'Gemm',
  dropout: false,
  softmax: false,
};

export interface ConvOptions {
  /** @default 3 */
  readonly kernel?: number;
  /** @default 1 */
  readonly stride?: number;
  /** @default 1 */
  readonly groups?: number;
  /** @default half the kernel */
  readonly pad?: number;
}

/**
 * Scale of a normalisation without activation, where a branch joins its shortcut: training starts there from 0 (Goyal 2017)
 * and ends well below 1. With 1, depth would blow up every rounding error as it does in no trained network.
 */
const BRANCH_GAIN = 0.4;

export type Activation = 'relu' | 'relu6' | 'hardswish' | 'hardsigmoid' | 'silu' | 'sigmoid' | 'none';

/**
 * Writes networks as exporters do, with weights from N(0, 2 / fan-in) (He 2015). Values are `[N, C, H, W]` and known by
 * name; the channels of each are remembered.
 */
export class Network {
  readonly dialect: Dialect;
  readonly #builder: GraphBuilder;
  readonly #random: Random;
  readonly #channels = new Map<string, number>();

  constructor(name: string, dialect: Partial<Dialect> = {}, seed = 1) {
    this.dialect = { ...DIALECT, ...dialect };
    this.#builder = new GraphBuilder(name);
    this.#random = seededRandom(seed);
  }

  input(): string {
    const { batch, size } = this.dialect;
    return this.#known(this.#builder.input('image', 'float32', [batch, 3, size, size]), 3);
  }

  channels(x: string): number {
    return this.#channels.get(x) ?? 0;
  }

  normal(name: string, dims: readonly number[], deviation: number, mean = 0): string {
    const values = Float32Array.from({ length: elementCount(dims) }, () => mean + deviation * this.#random.normal());
    return this.#builder.constant(name, float32Tensor(dims, values));
  }

  integers(name: string, values: readonly number[], dims: readonly number[] = [values.length]): string {
    return this.#builder.constant(name, int64Tensor(dims, values));
  }

  scalar(name: string, value: number): string {
    return this.#builder.constant(name, float32Tensor([], Float32Array.of(value)));
  }

  /** Any operator; the channels of its first output are those given, else those of its first input. */
  node(opType: string, inputs: readonly string[], attributes: Attributes = {}, channels?: number): string {
    const [output] = this.#builder.node(opType, inputs, attributes);
    return this.#known(output, channels ?? this.channels(inputs[0] ?? ''));
  }

  conv(x: string, to: number, { kernel = 3, stride = 1, groups = 1, pad = kernel >> 1 }: ConvOptions = {}): string {
    const from = this.channels(x) / groups;
    const inputs = [x, this.normal('weight', [to, from, kernel, kernel], Math.sqrt(2 / (from * kernel * kernel)))];
    if (this.dialect.norm === 'folded') inputs.push(this.normal('bias', [to], 0.1));
    const attributes = {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([pad, pad, pad, pad]),
      group: int(groups),
    };
    return this.node('Conv', inputs, attributes, to);
  }

  /** BatchNormalization; its statistics are placeholders until `withStatistics` has measured them. */
  norm(x: string, gain = 1): string {
    const dims = [this.channels(x)];
    const scale = this.normal('gamma', dims, 0.1, gain);
    const shift = this.normal('beta', dims, 0.2);
    const mean = this.#builder.constant('mean', float32Tensor(dims, new Float32Array(dims[0] ?? 0)));
    const variance = this.#builder.constant('variance', float32Tensor(dims, new Float32Array(dims[0] ?? 0).fill(1)));
    return this.node('BatchNormalization', [x, scale, shift, mean, variance], { epsilon: float(1e-5) });
  }

  /** Convolution, its normalisation and activation: the unit that most networks consist of. */
  unit(x: string, to: number, activation: Activation, options: ConvOptions = {}): string {
    const sum = this.conv(x, to, options);
    if (this.dialect.norm === 'folded') return this.activation(sum, activation);
    return this.activation(this.norm(sum, activation === 'none' ? BRANCH_GAIN : 1), activation);
  }

  activation(x: string, kind: Activation): string {
    switch (kind) {
      case 'none':
        return x;
      case 'relu':
        return this.node('Relu', [x]);
      case 'relu6':
        return this.#relu6(x);
      case 'sigmoid':
        return this.node('Sigmoid', [x]);
      case 'silu':
        return this.node('Mul', [x, this.node('Sigmoid', [x])]);
      case 'hardsigmoid':
        return this.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) });
      case 'hardswish':
        if (this.dialect.opset >= 14) return this.node('HardSwish', [x]);
        return this.node('Mul', [x, this.activation(x, 'hardsigmoid')]);
    }
  }

  maxPool(x: string, kernel: number, stride: number, pad = 0): string {
    const attributes = {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([pad, pad, pad, pad]),
    };
    return this.node('MaxPool', [x], attributes);
  }

  add(a: string, b: string): string {
    return this.node('Add', [a, b]);
  }

  concat(...parts: string[]): string {
    const channels = parts.reduce((sum, part) => sum + this.channels(part), 0);
    return this.node('Concat', parts, { axis: int(1) }, channels);
  }

  /** The channels of a value in parts of equal width. */
  split(x: string, parts: number): string[] {
    const width = this.channels(x) / parts;
    const sizes = new Array<number>(parts).fill(width);
    const old = this.dialect.opset < 13;
    const inputs = old ? [x] : [x, this.integers('sizes', sizes)];
    const outputs = sizes.map((_, i) => `${x}_part${i}`);
    this.#builder.node('Split', inputs, { axis: int(1), ...(old ? { split: ints(sizes) } : {}) }, { outputs });
    return outputs.map((output) => this.#known(output, width));
  }

  /** Squeeze and excitation (Hu 2018): each channel times what the whole image says of it. */
  excite(x: string, squeezed: number, gate: Activation = 'sigmoid', inner: Activation = 'relu'): string {
    const one = { kernel: 1 };
    const mean = this.pool(x);
    const weights = this.activation(
      this.conv(this.activation(this.conv(mean, squeezed, one), inner), this.channels(x), one),
      gate,
    );
    return this.node('Mul', [x, weights]);
  }

  /** Mean over height and width, which stay as 1. */
  pool(x: string): string {
    if (this.dialect.pooling === 'GlobalAveragePool') return this.node('GlobalAveragePool', [x]);
    return this.node('ReduceMean', [x], { axes: ints([2, 3]), keepdims: int(1) });
  }

  /** Pool, flatten, a matrix product: the usual end. */
  classify(x: string): Model {
    return this.finish(this.linear(this.#dropped(this.#flat(this.pool(x))), this.dialect.classes));
  }

  linear(x: string, to: number): string {
    const from = this.channels(x);
    const gemm = this.dialect.head === 'Gemm';
    const weight = this.normal('head.weight', gemm ? [to, from] : [from, to], Math.sqrt(1 / from));
    const bias = this.normal('head.bias', [to], 0.1);
    if (gemm) return this.node('Gemm', [x, weight, bias], { transB: int(1) }, to);
    return this.node('Add', [this.node('MatMul', [x, weight], {}, to), bias]);
  }

  finish(scores: string): Model {
    const { softmax, batch, classes, opset } = this.dialect;
    const last = softmax ? this.node('Softmax', [scores], { axis: int(1) }) : scores;
    this.#builder.output(last, 'float32', [batch, classes]);
    return this.#builder.build({ opset, irVersion: opset < 9 ? 4 : opset < 15 ? 7 : 8 });
  }

  #relu6(x: string): string {
    if (this.dialect.opset < 11) return this.node('Clip', [x], { min: float(0), max: float(6) });
    return this.node('Clip', [x, this.scalar('zero', 0), this.scalar('six', 6)]);
  }

  #dropped(x: string): string {
    if (!this.dialect.dropout) return x;
    const ratio = this.dialect.opset >= 12 ? [x, this.scalar('ratio', 0.2)] : [x];
    return this.node('Identity', [this.node('Dropout', ratio, this.dialect.opset >= 12 ? {} : { ratio: float(0.2) })]);
  }

  #flat(x: string): string {
    const { flattening, opset } = this.dialect;
    if (flattening === 'Flatten') return this.node('Flatten', [x], { axis: int(1) });
    if (flattening === 'Reshape') return this.node('Reshape', [x, this.integers('target', [-1, this.channels(x)])]);
    // x.view(x.size(0), -1)
    const first = this.node('Gather', [this.node('Shape', [x]), this.integers('first', [0], [])], { axis: int(0) });
    const old = opset < 13;
    const row = this.node(
      'Unsqueeze',
      old ? [first] : [first, this.integers('axis', [0])],
      old ? { axes: ints([0]) } : {},
    );
    const target = this.node('Concat', [row, this.integers('rest', [-1])], { axis: int(0) });
    return this.node('Reshape', [x, target], {}, this.channels(x));
  }

  #known(value: string, channels: number): string {
    this.#channels.set(value, channels);
    return value;
  }
}
