import type { Dataset } from '../../calibration/dataset.ts';
import { measuredTypes } from '../../compression/measured-shapes.ts';
import { analyzeChannels } from '../../compression/prune/channels/groups.ts';
import type { Criterion } from '../../compression/prune/criteria.ts';
import { pruneToLatency } from '../../compression/prune/latency-goal.ts';
import { type Pruned, prune } from '../../compression/prune/prune.ts';
import { type GroupSensitivity, sensitivityFactors } from '../../compression/sensitivity.ts';
import type { RunOptions } from '../../core/progress.ts';
import { latencyApart } from '../../inference/latency-apart.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { encodeModel } from '../../onnx/write.ts';
import { judgeChannels, momentsFor, sensitivityBy } from './judge.ts';
import type { PrunePlan } from './plan.ts';

export interface SlimContext extends RunOptions {
  readonly train: Dataset;
  /** Choose the epoch of fine-tuning. @default a share of the training images */
  readonly validation?: Dataset | undefined;
  readonly preprocessing: Preprocessing;
  /** Calibration pictures. */
  readonly indices: readonly number[];
  readonly seed: number;
  readonly threads: number;
}

/**
 * Chooses what goes by the plan and removes it. Sensitivity is measured where the criterion needs it or the plan asks for it.
 *
 * @throws {WaysideError} PRUNING_IMPOSSIBLE; MODEL_UNSUPPORTED for a Taylor criterion without gradients
 */
export async function pruneBy(
  model: Model,
  plan: PrunePlan,
  context: SlimContext,
): Promise<Pruned & { readonly sensitivity: readonly GroupSensitivity[] }> {
  const { criterion, unit, goal, also, floor, multiple, frozen = [], keep } = plan;
  const analysis = analyzeChannels(model);
  const types = await measuredTypes(model, context.preprocessing);
  const measured = criterion === 'damage' || plan.sensitivity === true;
  const evidence = { model, analysis, moments: measured ? await momentsFor(model, context) : undefined };
  const scores = await judgeChannels(evidence, criterion, context);
  const sensitivity = measured ? await sensitivityBy(evidence, scores, context) : [];
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
    ...(criterion === 'damage'
      ? { scale: 'none' as const, factors: sensitivityFactors(sensitivity, scores) }
      : { scale: 'size' as const }),
  };
  if (unit !== 'latency') return { ...prune(model, { ...options, unit }), sensitivity };
  const { pruned } = await pruneToLatency(model, options, (each) => latencyOf(each, context));
  return { ...pruned, sensitivity };
}

const known =
  (importance: ReadonlyMap<string, Float64Array>): Criterion =>
  (_, { name }) =>
    importance.get(name)!;

const latencyOf = (model: Model, { preprocessing, signal }: SlimContext): Promise<number> =>
  latencyApart(encodeModel(model), preprocessing, { budgetMs: 1000, signal });
