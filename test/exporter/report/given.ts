import { layersOf } from '../../../compression/layers.ts';
import { seededRandom } from '../../../core/random.ts';
import { completed } from '../../../exporter/plan/plan.ts';
import { planOf } from '../../../exporter/plan/plan-of.ts';
import type { StageOutcome } from '../../../exporter/prune-finetune/outcome.ts';
import { nearestWeights } from '../../../exporter/quantize/choose-weights.ts';
import type { ReportInput } from '../../../exporter/report/page.ts';
import { meanBits } from '../../../exporter/search/price-of-bits.ts';
import { countDistinct } from '../../../exporter/verify/distinct-weights.ts';
import { ints } from '../../../onnx/attributes.ts';
import { GraphBuilder } from '../../../onnx/build.ts';
import type { Model } from '../../../onnx/graph.ts';
import { float32Tensor } from '../../../onnx/tensor.ts';

const CHANNELS = 8;
/** Layers with different weights; the others repeat them, so that hundreds are clustered in no time. */
const KINDS = 4;

/** Convolutions one after another, with names as long as exporters make them. */
function chain(count: number): Model {
  const random = seededRandom(5);
  const values = Array.from({ length: KINDS }, () =>
    Float32Array.from({ length: CHANNELS * CHANNELS * 9 }, () => 0.1 * random.normal()),
  );
  const builder = new GraphBuilder('chain');
  let value = builder.input('image', 'float32', [1, CHANNELS, 8, 8]);
  for (let i = 0; i < count; i++) {
    const filter = builder.constant(`filter${i}`, float32Tensor([CHANNELS, CHANNELS, 3, 3], values[i % KINDS]!));
    const name = `/features/features.${i}/block/block.${i % 3}/depthwise_separable/conv/Conv`;
    [value = ''] = builder.node('Conv', [value, filter], { pads: ints([1, 1, 1, 1]) }, { name });
  }
  builder.output(value, 'float32', [1, CHANNELS, 8, 8]);
  return builder.build({ opset: 13, irVersion: 8 });
}

export interface Given {
  readonly layers: number;
  readonly clusters?: number;
  readonly classes?: number;
  readonly pruned?: boolean;
}

const STAGES = ['float', 'prune', 'reconstruct', 'finetune', 'quantize'];

/** All that a report is made of, for a network of any length: the weights are really clustered, other figures drawn at random. */
export function reportInput({ layers: count, clusters = 16, classes = 10, pruned = true }: Given): ReportInput {
  const random = seededRandom(9);
  const model = chain(count);
  const layers = layersOf(model.graph);
  const kinds = layers.slice(0, KINDS).map((layer) => nearestWeights(layer, { limit: 127, clusters }));
  const weights = new Map(
    layers.map(({ node }, i) => [node.name, { ...kinds[i % KINDS]!, snr: 20 + 15 * random.next() }]),
  );
  const distinct = countDistinct(model, layers, weights);
  const labels = Array.from({ length: 20 * classes }, (_, i) => i % classes);
  const answered = (wrong: number): number[] =>
    labels.map((label) => (random.next() < wrong ? Math.floor(random.next() * classes) : label));
  const plan = completed(planOf({ range: 'mse', clusters }), layers, 64);
  const stages = (pruned ? STAGES : ['float', 'quantize']).map(
    (name, i): StageOutcome => ({
      name,
      top1: [0.912, 0.61, 0.894, 0.905, 0.904][i]!,
      bytes: name === 'quantize' ? 1e5 : 1e6 - 1e5 * Math.min(i, 1),
      flops: i === 0 ? 8e7 : 5e7,
      params: i === 0 ? 27e4 : 2e5,
      latencyMs: 0.5 - 0.08 * i,
      seconds: 12 * i,
    }),
  );
  const groups = layers.map(({ node }, i) => ({ name: `${node.name}.weight`, before: 64, after: 64 - 8 * (i % 5) }));
  return {
    name: 'chain',
    made: 'Made by a test.',
    result: {
      package: 'package',
      baseline: { top1: 0.912, samples: labels.length, bytes: 1e6, latencyMs: 0.5 },
      candidate: { top1: 0.904, samples: labels.length, bytes: 1e5, latencyMs: 0.2 },
      change: { points: -0.8, low: -1.9, high: 0.3 },
      uniqueWeights: { before: distinct.original.perLayer, after: distinct.compressed.codes },
      bitsPerWeight: meanBits(weights.values()),
      noisy: [],
      notes: ['fold-batch-norm: merged 9 normalizations and biases into the layers before them'],
      warnings: [],
      fused: { quantized: count, float: [] },
      stages,
    },
    quantized: {
      model,
      float: model,
      chosen: { ranges: new Map(), weights },
      plan,
      layers,
      weights,
      method: 'mse',
      divergence: { mse: 0.002, minmax: 0.003 },
      precisions: new Map(layers.map(({ node }) => [node.name, clusters])),
      sensitivity: () => Promise.resolve(new Map()),
    },
    stages: [
      { name: 'calibrate', milliseconds: 1200 },
      { name: 'quantize', milliseconds: 40 },
    ],
    pruning: pruned
      ? {
          groups,
          sensitivity: groups.map(({ name, before }) => ({
            name,
            channels: before,
            points: [0.25, 0.5, 0.75].map((ratio) => ({
              ratio,
              removed: ratio * before,
              divergence: ratio ** 3 * random.next(),
              agreement: 1 - ratio / 4,
            })),
          })),
          removed: [],
        }
      : undefined,
    answers: { before: { labels, predicted: answered(0.05) }, after: { labels, predicted: answered(0.12) } },
    labels: Array.from({ length: classes }, (_, i) => `class number ${i}`),
    errors: {
      images: 32,
      decibels: new Map(layers.map(({ node }) => [node.name, 15 + 15 * random.next()])),
      signal: new Map(layers.map(({ node }) => [node.name, 1])),
    },
    distinct,
  };
}
