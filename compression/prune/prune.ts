import type { Model } from '../../onnx/graph.ts';
import { analyzeChannels, type ChannelAnalysis } from './channels/groups.ts';
import { type CostUnit, costModel } from './cost-model.ts';
import type { Criterion } from './criteria.ts';
import { type RankOptions, rankGlobally } from './rank.ts';
import { removeChannels } from './remove.ts';

export interface PruneOptions extends RankOptions {
  readonly criterion: Criterion;
  /** What the goal is a share of. @default 'flops' */
  readonly unit?: CostUnit;
}

export interface Pruned {
  readonly model: Model;
  readonly analysis: ChannelAnalysis;
  readonly removed: ReadonlySet<number>;
  /** Channels of each group before and after. */
  readonly groups: readonly { readonly name: string; readonly before: number; readonly after: number }[];
}

/**
 * Removes whole channels until the goal is reached: the result is a smaller dense graph.
 *
 * @throws {WaysideError} PRUNING_IMPOSSIBLE
 */
export function prune(model: Model, options: PruneOptions): Pruned {
  const analysis = analyzeChannels(model);
  const importance = analysis.groups.map((group) => options.criterion(model, group));
  const cost = costModel(model, analysis, options.unit ?? 'flops');
  const removed = rankGlobally(analysis.groups, importance, cost, options);
  return {
    model: removeChannels(model, analysis, removed),
    analysis,
    removed,
    groups: analysis.groups.map(({ name, channels }) => ({
      name,
      before: channels.length,
      after: channels.filter(({ id }) => !removed.has(id)).length,
    })),
  };
}
