import type { Criterion } from '../criteria.ts';
import { eliminate } from './elimination.ts';
import { type LayerMoments, readersOf } from './readers.ts';

/**
 * What the layers that read a channel lose with it, as a share of the variance of their outputs, after the channels that stay
 * have made up for it as well as they can. Costs follow the order of elimination: sorted by them, channels leave as planned.
 *
 * @param moments of the inputs of all layers, from `collectMoments`
 */
export const damage =
  (moments: LayerMoments): Criterion =>
  (model, group) => {
    const { order, costs } = eliminate(readersOf(model, group, moments), group.channels.length);
    const scores = new Float64Array(group.channels.length);
    order.forEach((channel, step) => {
      // Equal costs keep their order: a share of 1e-12 a step decides nothing else.
      scores[channel] = costs[step]! * (1 + 1e-12 * step) + Number.MIN_VALUE * step;
    });
    return scores;
  };
