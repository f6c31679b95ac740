import type { Dataset } from '../../calibration/dataset.ts';
import { type Layer, layersOf } from '../../compression/layers.ts';
import { analyzeChannels, type ChannelAnalysis } from '../../compression/prune/channels/groups.ts';
import { type Criterion, fpgm, l1, l2 } from '../../compression/prune/criteria.ts';
import { damage } from '../../compression/prune/damage/damage.ts';
import { pruneToLatency } from '../../compression/prune/latency-goal.ts';
import { type Pruned, prune } from '../../compression/prune/prune.ts';
import { loadPictures } from '../../compression/reconstruct/pictures.ts';
import { collectMoments } from '../../compression/rounding/collect.ts';
import { type GroupSensitivity, measureSensitivity, sensitivityFactors } from '../../compression/sensitivity.ts';
import type { RunOptions } from '../../core/progress.ts';
import { measureLatency } from '../../inference/latency.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { openSession } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';
import { encodeModel } from '../../onnx/write.ts';
import type { PrunePlan } from './plan.ts';

export interface SlimContext extends RunOptions {
  readonly train: Dataset;
  readonly preprocessing: Preprocessing;
  /** Calibration pictures. */
  readonly indices: readonly number[];
  readonly seed: number;
  readonly threads: number;
}

/** Pictures that say how far answers move: one run over them a group and ratio. */
const SENSITIVITY_PICTURES = 256;
const WEIGHTS_ONLY: Readonly<Record<Exclude<PrunePlan['criterion'], 'damage'>, Criterion>> = { l1, l2, fpgm };

/** Chooses what goes by the plan and removes it. Sensitivity is measured whatever the criterion: the report shows it. */
export async function pruneBy(
  model: Model,
  plan: PrunePlan,
  context: SlimContext,
): Promise<Pruned & { readonly sensitivity: readonly GroupSensitivity[] }> {
  const { criterion, unit, goal, floor, multiple, frozen = [], keep } = plan;
  const { train, preprocessing, indices, threads, signal, onProgress } = context;
  const run = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const analysis = analyzeChannels(model);
  const layers: Layer[] = layersOf(model.graph);
  const moments = await collectMoments(model, layers, train, { ...context });
  const judged = criterion === 'damage' ? damage(moments) : WEIGHTS_ONLY[criterion];
  const importance = new Map<string, Float64Array>();
  for (const group of analysis.groups) {
    signal?.throwIfAborted();
    importance.set(group.name, judged(model, group));
    onProgress?.({ stage: 'judging channels', done: importance.size, total: analysis.groups.length });
    await new Promise(setImmediate); // lets an interrupt be heard between groups
  }
  const scores = analysis.groups.map(({ name }) => importance.get(name)!);
  const every = Math.ceil(indices.length / SENSITIVITY_PICTURES);
  const pictures = await loadPictures(
    train,
    preprocessing,
    indices.filter((_, i) => i % every === 0),
  );
  const sensitivity = await measureSensitivity(model, analysis, {
    pictures,
    importance: scores,
    moments,
    threads,
    ...run,
  });
  const options = {
    criterion: known(analysis, importance),
    goal,
    floor,
    multiple,
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
  (_: ChannelAnalysis, importance: ReadonlyMap<string, Float64Array>): Criterion =>
  (_model, { name }) =>
    importance.get(name)!;

async function latencyOf(model: Model, { preprocessing, signal }: SlimContext): Promise<number> {
  const session = await openSession(encodeModel(model), { threads: 1 });
  try {
    return await measureLatency(session, preprocessing, { budgetMs: 1000, ...(signal && { signal }) });
  } finally {
    await session.close();
  }
}
