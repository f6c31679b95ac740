import { analyzeChannels } from '../../compression/pruning/channels/groups.ts';
import type { Importance } from '../../compression/pruning/criteria/criterion.ts';
import { criterionNamed } from '../../compression/pruning/criteria/registry.ts';
import { pruneToLatency } from '../../compression/pruning/latency-goal.ts';
import { measuredTypes } from '../../compression/pruning/measured-shapes.ts';
import { type Pruned, prune } from '../../compression/pruning/prune.ts';
import { type GroupSensitivity, sensitivityFactors } from '../../compression/pruning/sensitivity.ts';
import { latencyApart } from '../../inference/latency-apart.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import type { PrunePlan } from '../plan/prune-finetune.ts';
import type { PruneFinetuneContext } from './context.ts';
import { evidenceOf, sensitivityBy } from './judge.ts';

/**
 * Chooses what goes by the plan and removes it. Sensitivity is measured where the criterion needs it or the plan asks for it.
 *
 * @throws {WaysideError} PRUNING_IMPOSSIBLE; MODEL_UNSUPPORTED for a Taylor criterion without gradients
 */
export async function pruneBy(
  model: Model,
  plan: PrunePlan,
  context: PruneFinetuneContext,
): Promise<Pruned & { readonly sensitivity: readonly GroupSensitivity[] }> {
  const { unit, goal, also, floor, multiple, frozen = [], keep } = plan;
  const criterion = criterionNamed(plan.criterion);
  const analysis = analyzeChannels(model);
  const types = await measuredTypes(model, context.preprocessing);
  const evidence = evidenceOf(model, analysis, context);
  const bySensitivity = criterion.bySensitivity === true;
  const measured = bySensitivity || plan.sensitivity === true;
  if (measured) await evidence.moments();
  const scores = await criterion.judge(evidence);
  const sensitivity = measured ? await sensitivityBy(analysis, scores, evidence) : [];
  const importance = new Map(analysis.groups.map(({ name }, g) => [name, scores[g]!]));
  const options = {
    criterion: known(importance),
    goal,
    ...(also && { also }),
    floor,
    multiple,
    types,
    frozen: new Set(frozen),
    ...(keep && { keep }),
    ...(bySensitivity
      ? { scale: 'none' as const, factors: sensitivityFactors(sensitivity, scores) }
      : { scale: 'size' as const }),
  };
  if (unit !== 'latency') return { ...prune(model, { ...options, unit }), sensitivity };
  const { pruned } = await pruneToLatency(model, options, (each) => latencyOf(each, context));
  return { ...pruned, sensitivity };
}

const known =
  (importance: ReadonlyMap<string, Float64Array>): Importance =>
  (_, { name }) =>
    importance.get(name)!;

const latencyOf = (model: Model, { preprocessing, signal }: PruneFinetuneContext): Promise<number> =>
  latencyApart(encodeModel(model), preprocessing, { budgetMs: 1000, signal });
