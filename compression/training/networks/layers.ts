import { type Random, seededRandom } from '../../../core/random.ts';
import { int, ints } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import type { Model } from '../../../onnx/graph.ts';
import { elementCount, float32Tensor } from '../../../onnx/tensor.ts';

interface ConvOptions {
  /** @default 3 */
  readonly kernel?: number;
  /** @default 1 */
  readonly stride?: number;
  /** @default 1 */
  readonly groups?: number;
  /** Pixels from one tap of the kernel to the next. @default 1 */
  readonly dilation?: number;
}

/** The first opset whose BatchNormalization has one output by default, and IR for every runtime since 2019. */
const OPSET = 14;
const IR_VERSION = 7;

/** Of the last layer of `NetworkBuilder.map`. */
export const MAP_BIAS = 'map.bias';

/**
 * Writes a network layer by layer, its weights drawn as they are before training.
 *
 * Convolutions carry no bias: every one is followed by a normalisation. Weights are N(0, 2 / fan-out) (He 2015,
 * equation 14: it keeps the gradients' variance), gains 1, shifts 0.
 */
export class NetworkBuilder {
  readonly #builder: GraphBuilder;
  readonly #random: Random;

  constructor(name: string, seed: number) {
    this.#builder = new GraphBuilder(name);
    this.#random = seededRandom(seed);
  }

  /** The image, `[N, 3, H, W]`. */
  input([height, width]: readonly [number, number]): string {
    return this.#builder.input('image', 'float32', ['N', 3, height, width]);
  }

  /** Convolution padded so that stride 1 keeps the size, then batch normalisation; `name` is that of its weights. */
  conv(
    name: string,
    value: string,
    from: number,
    to: number,
    { kernel = 3, stride = 1, groups = 1, dilation = 1 }: ConvOptions = {},
  ): string {
    const deviation = Math.sqrt((2 * groups) / (to * kernel * kernel));
    const weight = this.#normal(`${name}.weight`, [to, from / groups, kernel, kernel], deviation);
    const margin = dilation * (kernel >> 1);
    const [convolved] = this.#builder.node('Conv', [value, weight], {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([margin, margin, margin, margin]),
      group: int(groups),
      ...(dilation === 1 ? {} : { dilations: ints([dilation, dilation]) }),
    });
    const one = (part: string, fill: number): string =>
      this.#builder.constant(`${name}.${part}`, float32Tensor([to], new Float32Array(to).fill(fill)));
    const statistics = [one('gain', 1), one('shift', 0), one('mean', 0), one('variance', 1)];
    return this.#builder.node('BatchNormalization', [convolved, ...statistics])[0];
  }

  relu(value: string): string {
    return this.#builder.node('Relu', [value])[0];
  }

  /** min(max(x, 0), 6): Sandler 2018 for fixed-point arithmetic. */
  relu6(value: string): string {
    const low = this.#builder.constant('zero', float32Tensor([], Float32Array.of(0)));
    const high = this.#builder.constant('six', float32Tensor([], Float32Array.of(6)));
    return this.#builder.node('Clip', [value, low, high])[0];
  }

  add(a: string, b: string): string {
    return this.#builder.node('Add', [a, b])[0];
  }

  maxPool(value: string, kernel: number, margin: number): string {
    return this.#builder.node('MaxPool', [value], {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([2, 2]),
      pads: ints([margin, margin, margin, margin]),
    })[0];
  }

  /** Mean over all pixels, then one score a class: the end of every classifier here. */
  classifier(value: string, channels: number, classes: number): Model {
    const [pooled] = this.#builder.node('GlobalAveragePool', [value]);
    const [flat] = this.#builder.node('Flatten', [pooled], { axis: int(1) });
    const weight = this.#normal('classifier.weight', [classes, channels], Math.sqrt(1 / channels));
    const bias = this.#builder.constant('classifier.bias', float32Tensor([classes], new Float32Array(classes)));
    this.#builder.node('Gemm', [flat, weight, bias], { transB: int(1) }, { outputs: ['logits'] });
    this.#builder.output('logits', 'float32', ['N', classes]);
    return this.#builder.build({ opset: OPSET, irVersion: IR_VERSION });
  }

  /** A map of values, none of them normalised, `[N, biases, H, W]`: the end of a network that says something of every place. */
  map(value: string, channels: number, biases: readonly number[], [rows, columns]: readonly [number, number]): Model {
    const deviation = Math.sqrt(1 / channels);
    const weight = this.#normal('map.weight', [biases.length, channels, 1, 1], 0.1 * deviation);
    const bias = this.#builder.constant(MAP_BIAS, float32Tensor([biases.length], Float32Array.from(biases)));
    this.#builder.node('Conv', [value, weight, bias], { kernel_shape: ints([1, 1]) }, { outputs: ['map'] });
    this.#builder.output('map', 'float32', ['N', biases.length, rows, columns]);
    return this.#builder.build({ opset: OPSET, irVersion: IR_VERSION });
  }

  #normal(name: string, dims: readonly number[], deviation: number): string {
    const values = new Float32Array(elementCount(dims));
    // Float32Array.from takes 73 ns a number, 22 million of them for a ResNet34; this takes 40, all of them the number's own.
    for (let i = 0; i < values.length; i++) values[i] = this.#random.normal() * deviation;
    return this.#builder.constant(name, float32Tensor(dims, values));
  }
}
