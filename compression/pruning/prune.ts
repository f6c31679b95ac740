import { WaysideError } from '../../core/errors.ts';
import type { Types } from '../../onnx/cost.ts';
import type { Model } from '../../onnx/graph.ts';
import { analyzeChannels, type ChannelAnalysis, type ChannelGroup } from './channels/groups.ts';
import { type CostUnit, costModel } from './cost-model.ts';
import type { Importance } from './criteria/criterion.ts';
import { heldBack, heldBackText } from './held-back.ts';
import { type Goal, jointCost } from './joint-cost.ts';
import { type RankOptions, rankGlobally } from './rank.ts';
import { removeChannels } from './remove.ts';

export interface PruneOptions extends RankOptions {
  readonly criterion: Importance;
  /** What the goal is a share of. @default 'flops' */
  readonly unit?: CostUnit;
  /** Goals that the same removal reaches too. @default none */
  readonly also?: readonly Goal[];
  /** Channels to keep of some groups, by name, instead of what the goal would give them. */
  readonly keep?: Readonly<Record<string, number>>;
  /** Of a run over one image, for goals of operations. @default what can be inferred */
  readonly types?: Types;
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
  const removed = removedBy(model, analysis, importance, options);
  analysis.groups.forEach((group, g) => {
    const wanted = options.keep?.[group.name];
    if (wanted !== undefined) keepExactly(group, importance[g]!, wanted, removed);
  });
  return prunedBy(model, analysis, removed);
}

/** @throws {WaysideError} PRUNING_IMPOSSIBLE, with what holds channels back */
function removedBy(
  model: Model,
  analysis: ChannelAnalysis,
  importance: readonly Float64Array[],
  options: PruneOptions,
): Set<number> {
  const { goal, unit = 'flops', also = [], types } = options;
  const alone = also.length === 0;
  const cost = alone
    ? costModel(model, analysis, unit, types)
    : jointCost(model, analysis, [{ unit, goal }, ...also], types);
  try {
    return rankGlobally(analysis.groups, importance, cost, alone ? options : { ...options, goal: 1 });
  } catch (error) {
    if (!(error instanceof WaysideError) || error.code !== 'PRUNING_IMPOSSIBLE') throw error;
    const held = heldBack(model, analysis, unit, types);
    if (held.length === 0) throw error;
    throw new WaysideError('PRUNING_IMPOSSIBLE', {
      message: `${error.message}; shares of the ${unit} that are held back: ${heldBackText(held)}`,
      ...(error.hint !== undefined && { hint: error.hint }),
    });
  }
}

/** The result of removing these channels. */
export function prunedBy(model: Model, analysis: ChannelAnalysis, removed: ReadonlySet<number>): Pruned {
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

/** @throws {WaysideError} PRUNING_IMPOSSIBLE when there are not that many */
function keepExactly(group: ChannelGroup, importance: Float64Array, wanted: number, removed: Set<number>): void {
  const { name, channels } = group;
  if (wanted < 1 || wanted > channels.length) {
    throw new WaysideError('PRUNING_IMPOSSIBLE', {
      message: `asked to keep ${wanted} channels of ${name}, which has ${channels.length}`,
    });
  }
  const order = Array.from(importance.keys()).sort((a, b) => importance[a]! - importance[b]! || a - b);
  order.forEach((channel, i) => {
    const { id } = channels[channel]!;
    if (i < channels.length - wanted) removed.add(id);
    else removed.delete(id);
  });
}
