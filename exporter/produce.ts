import type { Dataset } from '../calibration/dataset.ts';
import type { RangeMethodName } from '../calibration/ranges/methods.ts';
import { type Layer, layersOf } from '../compression/layers.ts';
import { collectMoments } from '../compression/rounding/collect.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import type { Model } from '../onnx/graph.ts';
import { calibrationIndices } from './calibration-draw.ts';
import { chooseMethod } from './choose-ranges.ts';
import { type CompressOptions, defaultThreads } from './options.ts';
import { type CompressionPlan, makePlan, plannedLayers } from './plan.ts';
import { quantizeModel, valuesToCalibrate } from './quantize.ts';
import { slimPlan } from './slim/plan.ts';
import type { StageLog } from './stages.ts';
import { targetProfile } from './targets.ts';
import { momentsOfChannels, watch } from './watch.ts';
import { type DecidedWeights, decideWeights } from './weights.ts';

/** A compressed model and what was decided on the way to it. */
export interface Produced {
  readonly model: Model;
  readonly plan: CompressionPlan;
  readonly layers: readonly Layer[];
  readonly weights: ReadonlyMap<string, DecidedWeights>;
  readonly method: RangeMethodName;
  /** Mean Kullback-Leibler divergence from the float model's answers, by range method tried. */
  readonly divergence: Readonly<Record<string, number>>;
}

/**
 * From the folded float model to the int8 one: observe ranges, measure the moments of layer inputs, decide weights, choose
 * ranges, write.
 */
export async function produce(
  folded: Model,
  train: Dataset,
  preprocessing: Preprocessing,
  options: CompressOptions,
  stages: StageLog,
): Promise<Produced> {
  const layers = layersOf(folded.graph);
  const plan = options.plan ?? planOf(layers, train, options);
  const planned = plannedLayers(plan, layers);
  const { limit } = targetProfile(plan.target);
  const { signal, onProgress, threads = defaultThreads() } = options;
  const run = { ...(signal === undefined ? {} : { signal }), ...(onProgress === undefined ? {} : { onProgress }) };
  const indices = calibrationIndices(train, plan);
  const common = { preprocessing, indices, threads, ...run };
  const watched = await stages.run('calibrate', () =>
    watch(folded, train, plan, { ...common, values: valuesToCalibrate(folded) }),
  );
  const moments = await stages.run(
    'measure layer inputs',
    async () =>
      (plan.rounding === 'nearest' ? momentsOfChannels(layers, watched) : undefined) ??
      (await collectMoments(folded, layers, train, { ...common, seed: plan.seed })),
  );
  const weights = await stages.run('cluster and round weights', async () => {
    const decided = new Map<string, DecidedWeights>();
    for (const layer of layers) {
      signal?.throwIfAborted();
      const { name } = layer.node;
      const { clusters, groups } = planned.get(name) ?? {};
      decided.set(name, decideWeights(layer, moments.get(name)!, { limit, clusters, groups }));
      onProgress?.({ stage: 'deciding weights', done: decided.size, total: layers.length });
      await new Promise(setImmediate); // lets an interrupt be heard between layers
    }
    return decided;
  });
  const quantizeWith = (method: RangeMethodName): Model =>
    quantizeModel(folded, { ranges: watched.ranges(method), weights });
  const { method, divergence } = await stages.run('choose ranges', async () =>
    plan.range === 'auto'
      ? await chooseMethod(folded, quantizeWith, { dataset: train, indices, preprocessing, threads, signal })
      : { method: plan.range as RangeMethodName, divergence: {} },
  );
  const model = await stages.run('quantize', () => quantizeWith(method));
  return { model, plan, layers, weights, method, divergence };
}

function planOf(layers: readonly Layer[], train: Dataset, options: CompressOptions): CompressionPlan {
  const { seed = 0, calibration = 512, range = 'auto', rounding, target, clusters } = options;
  return makePlan(layers, {
    seed,
    target: targetProfile(target).name,
    calibration: { samples: Math.min(calibration, train.size) },
    range: range === 'min-max' ? 'minmax' : range,
    ...(rounding === undefined ? {} : { rounding }),
    ...slimPlan(options),
    clusters,
  });
}
