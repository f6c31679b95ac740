import { type Random, seededRandom } from '../../core/random.ts';
import { int, ints } from '../../onnx/attributes.ts';
import { GraphBuilder } from '../../onnx/build.ts';
import type { Model } from '../../onnx/graph.ts';
import { elementCount, float32Tensor } from '../../onnx/tensor.ts';

/** He 2016, table 1: blocks of each stage and the channels of their 3x3 convolutions; four times as many leave a block. */
const STAGES = [
  [64, 3],
  [128, 4],
  [256, 6],
  [512, 3],
] as const;
const EXPANSION = 4;
const CLASSES = 1000;

class Writer {
  readonly builder = new GraphBuilder('resnet50-random');
  readonly #random: Random;
  readonly #share: number;

  constructor(seed: number, share: number) {
    this.#random = seededRandom(seed);
    this.#share = share;
  }

  width(channels: number): number {
    return channels * this.#share;
  }

  normal(name: string, dims: readonly number[], mean: number, deviation: number): string {
    const draw = (): number => mean + this.#random.normal() * deviation;
    return this.builder.constant(name, float32Tensor(dims, Float32Array.from({ length: elementCount(dims) }, draw)));
  }

  /**
   * Convolution and batch normalisation. Weights N(0, 2 / fan-in) turn rectified inputs of mean square 1/2 into outputs of variance 1
   * (He 2015), which is what the statistics say, give or take a quarter: gains and shifts as far apart as trained ones, and no value dies out.
   */
  conv(
    name: string,
    value: string,
    {
      from,
      to,
      kernel,
      stride = 1,
      gain = 1,
    }: Record<'from' | 'to' | 'kernel', number> & Partial<Record<'stride' | 'gain', number>>,
  ): string {
    const margin = kernel >> 1;
    const weight = this.normal(
      `${name}.weight`,
      [to, from, kernel, kernel],
      0,
      Math.sqrt(2 / (from * kernel * kernel)),
    );
    const [convolved] = this.builder.node('Conv', [value, weight], {
      kernel_shape: ints([kernel, kernel]),
      strides: ints([stride, stride]),
      pads: ints([margin, margin, margin, margin]),
    });
    const variance = Float32Array.from({ length: to }, () => Math.exp(0.25 * this.#random.normal()));
    const statistics = [
      this.normal(`${name}.gain`, [to], gain, 0.2 * gain),
      this.normal(`${name}.shift`, [to], 0, 0.2),
      this.normal(`${name}.mean`, [to], 0, 0.2),
      this.builder.constant(`${name}.variance`, float32Tensor([to], variance)),
    ];
    return this.builder.node('BatchNormalization', [convolved, ...statistics])[0];
  }

  relu(value: string): string {
    return this.builder.node('Relu', [value])[0];
  }
}

/**
 * A network of ResNet50's shape (v1.5: the 3x3 convolution of a block strides) with random weights: it has the size and the arithmetic of
 * the real one, and no accuracy to lose. 53 convolutions and one matrix product, 25.5 million weights. Input `[N, 3, 224, 224]`, output
 * `[N, 1000]`, opset 13.
 *
 * @param seed of the weights: the same seed gives the same bytes
 * @param share of the channels, for tests that need the shape and not the size
 */
export function buildResNet50(seed: number, share = 1): Model {
  const net = new Writer(seed, share);
  const { builder } = net;
  let from = net.width(64);
  const stem = net.conv('stem', builder.input('image', 'float32', ['N', 3, 224, 224]), {
    from: 3,
    to: from,
    kernel: 7,
    stride: 2,
  });
  let [value] = builder.node('MaxPool', [net.relu(stem)], {
    kernel_shape: ints([3, 3]),
    strides: ints([2, 2]),
    pads: ints([1, 1, 1, 1]),
  });
  STAGES.forEach(([channels, blocks], stage) => {
    const inner = net.width(channels);
    const to = inner * EXPANSION;
    for (let block = 0; block < blocks; block++) {
      const name = `stage${stage + 1}.${block}`;
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const narrowed = net.relu(net.conv(`${name}.conv1`, value, { from, to: inner, kernel: 1 }));
      const seen = net.relu(net.conv(`${name}.conv2`, narrowed, { from: inner, to: inner, kernel: 3, stride }));
      // A small gain keeps the sum of 16 branches near the size of one.
      const widened = net.conv(`${name}.conv3`, seen, { from: inner, to, kernel: 1, gain: 0.4 });
      const shortcut = block > 0 ? value : net.conv(`${name}.shortcut`, value, { from, to, kernel: 1, stride });
      value = net.relu(builder.node('Add', [widened, shortcut])[0]);
      from = to;
    }
  });
  const [pooled] = builder.node('GlobalAveragePool', [value]);
  const [flat] = builder.node('Flatten', [pooled], { axis: int(1) });
  const weight = net.normal('classifier.weight', [CLASSES, from], 0, Math.sqrt(2 / from));
  const bias = net.normal('classifier.bias', [CLASSES], 0, 0.01);
  builder.node('Gemm', [flat, weight, bias], { transB: int(1) }, { outputs: ['logits'] });
  builder.output('logits', 'float32', ['N', CLASSES]);
  return builder.build({ opset: 13, irVersion: 7 });
}
