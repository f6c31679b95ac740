import type { Model } from '../../../onnx/graph.ts';
import type { MatrixProducts } from '../../linear-algebra/products.ts';
import type { ChannelGroup } from '../channels/groups.ts';
import { type BlockState, type Elimination, eliminate } from './elimination.ts';
import { narrowBlock, varianceOf } from './narrow-block.ts';
import { type LayerMoments, type LayerReaders, readersOf } from './readers.ts';
import { type WideBlock, wideBlock } from './wide-block.ts';

/** What computes for large layers, and what stops it. */
export interface SaliencyMeans {
  readonly products: MatrixProducts;
  readonly signal?: AbortSignal | undefined;
}

/**
 * What the layers that read a channel lose with it, as a share of the variance of their outputs, after the channels that stay
 * have made up for it as well as they can. Costs follow the order of elimination: sorted by them, channels leave as planned.
 *
 * @param moments of the inputs of all layers, from `collectMoments`
 * @throws {WaysideError} SESSION_RUN; AbortError when `signal` aborts
 */
export async function saliency(
  moments: LayerMoments,
  model: Model,
  group: ChannelGroup,
  means: SaliencyMeans,
): Promise<Float64Array> {
  const states: BlockState[] = [];
  for (const layer of readersOf(model, group, moments)) states.push(...(await statesOf(layer, means)));
  return scoresOf(await eliminate(states, group.channels.length, means.signal));
}

async function statesOf({ readers, large }: LayerReaders, { products, signal }: SaliencyMeans): Promise<BlockState[]> {
  if (large) {
    const blocks: WideBlock[] = [];
    for (const reader of readers) blocks.push(await wideBlock(reader, products, signal));
    const norm = blocks.reduce((sum, { variance }) => sum + variance, 0) || 1;
    return blocks.map((block) => block.state(norm));
  }
  const norm = readers.reduce((sum, reader) => sum + varianceOf(reader), 0) || 1;
  const states: BlockState[] = [];
  for (const reader of readers) {
    states.push(narrowBlock(reader, norm));
    await new Promise(setImmediate); // 576 columns take 0.2 s
    signal?.throwIfAborted();
  }
  return states;
}

function scoresOf({ order, costs }: Elimination): Float64Array {
  const scores = new Float64Array(order.length);
  order.forEach((channel, step) => {
    // Equal costs keep their order: a share of 1e-12 a step decides nothing else.
    scores[channel] = costs[step]! * (1 + 1e-12 * step) + Number.MIN_VALUE * step;
  });
  return scores;
}
