import type { Model } from '../../../onnx/graph.ts';
import type { ChannelGroup } from '../channels/groups.ts';
import type { Criterion } from '../criteria.ts';
import { type Elimination, eliminate, eliminateInTurns } from './elimination.ts';
import { type LayerMoments, readersOf } from './readers.ts';

/**
 * What the layers that read a channel lose with it, as a share of the variance of their outputs, after the channels that stay
 * have made up for it as well as they can. Costs follow the order of elimination: sorted by them, channels leave as planned.
 *
 * @param moments of the inputs of all layers, from `collectMoments`
 */
export const damage =
  (moments: LayerMoments): Criterion =>
  (model, group) =>
    scoresOf(eliminate(readersOf(model, group, moments), group.channels.length));

/** The same for wide layers, hearing a signal meanwhile. @throws AbortError when `signal` aborts */
export async function damageInTurns(
  moments: LayerMoments,
  model: Model,
  group: ChannelGroup,
  signal?: AbortSignal,
): Promise<Float64Array> {
  return scoresOf(await eliminateInTurns(readersOf(model, group, moments), group.channels.length, signal));
}

function scoresOf({ order, costs }: Elimination): Float64Array {
  const scores = new Float64Array(order.length);
  order.forEach((channel, step) => {
    // Equal costs keep their order: a share of 1e-12 a step decides nothing else.
    scores[channel] = costs[step]! * (1 + 1e-12 * step) + Number.MIN_VALUE * step;
  });
  return scores;
}
