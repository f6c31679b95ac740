import type { Types } from '../../onnx/cost.ts';
import type { Model } from '../../onnx/graph.ts';
import type { ChannelAnalysis } from './channels/groups.ts';
import { type CostModel, type CostUnit, costModel } from './cost-model.ts';

/** A share of a cost to remove, 0 to 1. */
export interface Goal {
  readonly unit: CostUnit;
  readonly goal: number;
}

/**
 * Several goals as one cost. A channel saves the sum, over the goals, of the part of each that it covers; the total goes from 1 to 0,
 * and is the part that is left of the goal that is furthest from being reached. To remove all of it is to reach every goal.
 */
export function jointCost(model: Model, analysis: ChannelAnalysis, goals: readonly Goal[], types?: Types): CostModel {
  const parts = goals
    .filter(({ goal }) => goal > 0)
    .map(({ unit, goal }) => {
      const cost = costModel(model, analysis, unit, types);
      const before = cost.total(new Set());
      return { cost, before, wanted: before * goal };
    });
  return {
    total: (removed) =>
      parts.reduce((most, { cost, before, wanted }) => Math.max(most, 1 - (before - cost.total(removed)) / wanted), 0),
    saved: (channel, removed) =>
      parts.reduce((sum, { cost, wanted }) => sum + cost.saved(channel, removed) / wanted, 0),
  };
}
