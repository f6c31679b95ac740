import type { RunOptions } from '../../core/progress.ts';
import type { Model } from '../../onnx/graph.ts';
import { valuesRead } from '../../onnx/topology.ts';
import { agreement, meanDivergence, softened } from '../divergence.ts';
import { MatrixProducts } from '../linear-algebra/products.ts';
import type { ChannelAnalysis, ChannelGroup } from './channels/groups.ts';
import { compensate } from './obs/compensate.ts';
import { type LayerMoments, readersOf } from './obs/readers.ts';
import { cutBefore, cutsOf } from './reconstruct/cuts.ts';
import type { Activation } from './reconstruct/walk.ts';
import { removeChannels } from './remove.ts';
import { SuffixPredictions } from './suffix-predictions.ts';

/** What happens when this share of one group's channels goes, and nothing else. */
interface SensitivityPoint {
  readonly ratio: number;
  readonly removed: number;
  /** Mean Kullback-Leibler divergence from the original's answers, both at temperature 4, nats. */
  readonly divergence: number;
  /** Share of images that keep their class. */
  readonly agreement: number;
}

export interface GroupSensitivity {
  readonly name: string;
  readonly channels: number;
  readonly points: readonly SensitivityPoint[];
}

interface SensitivityOptions extends RunOptions {
  readonly images: Activation;
  /** One number a channel of each group: the least go first. */
  readonly importance: readonly Float64Array[];
  /** Lets the readers of the group make up for what goes, as reconstruction will. @default they do not */
  readonly moments?: LayerMoments;
  /** @default [0.25, 0.5, 0.75] */
  readonly ratios?: readonly number[];
  readonly threads?: number;
}

/** As distillation takes it (Hinton 2015): networks are all but certain of the images they were trained on. */
const TEMPERATURE = 4;

/**
 * Prunes each group alone and looks how far the answers move: no labels needed. Of the network only what comes after the
 * group's first layer is run, once a group and ratio: half of it in the mean.
 *
 * @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export async function measureSensitivity(
  model: Model,
  analysis: ChannelAnalysis,
  options: SensitivityOptions,
): Promise<GroupSensitivity[]> {
  const { images, importance, moments, ratios = [0.25, 0.5, 0.75], threads = 1, signal, onProgress } = options;
  const answers = new SuffixPredictions(model, images, threads);
  const expected = await answers.of(model, signal);
  const soft = softened(expected, TEMPERATURE);
  const found: GroupSensitivity[] = [];
  const products = new MatrixProducts(threads);
  const cuts = cutsOf(model);
  const starts = analysis.groups.map((group) => firstChanged(model, analysis, group));
  const inOrder = [...starts.keys()].sort((a, b) => starts[a]! - starts[b]! || a - b);
  try {
    for (const [done, g] of inOrder.entries()) {
      const group = analysis.groups[g]!;
      await answers.goTo(cutBefore(cuts, starts[g]!), signal);
      const readers = moments === undefined ? [] : readersOf(model, group, moments);
      const points: SensitivityPoint[] = [];
      for (const ratio of ratios) {
        signal?.throwIfAborted();
        const removed = leastOf(group, importance[g]!, ratio);
        if (removed.size === 0) continue;
        const start =
          moments === undefined
            ? model
            : await compensate(model, group, removed, moments, readers, { products, signal });
        const got = await answers.of(removeChannels(start, analysis, removed), signal);
        points.push({
          ratio,
          removed: removed.size,
          divergence: meanDivergence(soft, softened(got, TEMPERATURE)),
          agreement: agreement(expected, got),
        });
      }
      found[g] = { name: group.name, channels: group.channels.length, points };
      onProgress?.({ stage: 'measuring sensitivity', done: done + 1, total: analysis.groups.length });
    }
  } finally {
    await products.close();
  }
  return found;
}

/** The place of the first node that is another, or reads other weights, once channels of a group are gone. */
function firstChanged(model: Model, analysis: ChannelAnalysis, { channels }: ChannelGroup): number {
  const { nodes, initializers } = model.graph;
  const { graph } = removeChannels(model, analysis, new Set(channels.slice(1).map(({ id }) => id)));
  const changed = nodes.findIndex(
    (node, position) =>
      node !== graph.nodes[position] ||
      [...valuesRead(node)].some((name) => initializers.get(name) !== graph.initializers.get(name)),
  );
  return Math.max(0, changed);
}

/** Ids of the least important share of a group's channels; at least one channel stays. */
function leastOf({ channels }: ChannelGroup, importance: Float64Array, ratio: number): Set<number> {
  const order = Array.from(importance.keys()).sort((a, b) => importance[a]! - importance[b]! || a - b);
  const count = Math.min(channels.length - 1, Math.round(ratio * channels.length));
  return new Set(order.slice(0, count).map((i) => channels[i]!.id));
}

/**
 * Nats of divergence per unit of importance removed, for each group: importance times this compares across groups.
 * Least squares through the origin over the points measured.
 */
export function sensitivityFactors(
  groups: readonly GroupSensitivity[],
  importance: readonly Float64Array[],
): ReadonlyMap<string, number> {
  return new Map(
    groups.map(({ name, points }, g) => {
      const sorted = Array.from(importance[g]!).sort((a, b) => a - b);
      let [products, squares] = [0, 0];
      for (const { removed, divergence } of points) {
        const sum = sorted.slice(0, removed).reduce((total, value) => total + value, 0);
        products += sum * divergence;
        squares += sum * sum;
      }
      return [name, squares > 0 ? products / squares : 0];
    }),
  );
}
