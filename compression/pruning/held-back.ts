import type { Types } from '../../onnx/cost.ts';
import type { Model } from '../../onnx/graph.ts';
import type { ChannelAnalysis } from './channels/groups.ts';
import { type CostUnit, costModel } from './cost-model.ts';

/** A node that channels cannot pass. */
export interface HeldBack {
  readonly node: string;
  readonly operator: string;
  /** Part of the cost that hangs on the channels it holds, 0 to 1: what would go if all of them could. */
  readonly share: number;
}

/**
 * What keeps channels from being removed, the dearest first.
 *
 * @param types of a run over one image
 * @throws {WaysideError} PRUNING_IMPOSSIBLE where the cost cannot be counted
 */
export function heldBack(model: Model, analysis: ChannelAnalysis, unit: CostUnit, types?: Types): HeldBack[] {
  const cost = costModel(model, analysis, unit, types);
  const whole = cost.total(new Set());
  if (!(whole > 0)) return [];
  return analysis.blockers
    .map(({ node, ids }) => ({ node: node.name, operator: node.opType, share: 1 - cost.total(ids) / whole }))
    .filter(({ share }) => share > 0)
    .sort((a, b) => b.share - a.share);
}

/** Some nodes in a sentence: `LRN norm1 holds back 12.0%`. */
export function heldBackText(held: readonly HeldBack[], most = 4): string {
  const named = held
    .slice(0, most)
    .map(({ node, operator, share }) => `${operator} ${node} ${(100 * share).toFixed(1)}%`);
  const others = held.length > most ? ` and ${held.length - most} other nodes` : '';
  return named.join(', ') + others;
}
