import { layersOf } from '../../compression/layers.ts';
import { collectMoments } from '../../compression/rounding/collect.ts';
import type { StageLog } from '../../core/stage-log.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { type CompressOptions, defaultThreads } from '../pipeline/options.ts';
import type { Data } from '../pipeline/prepare.ts';
import type { Produced } from '../pipeline/quantize-by-plan.ts';
import { calibrationIndices } from '../plan/calibration-samples.ts';
import { targetProfile } from '../plan/targets.ts';
import { teacherOf } from '../plan/teacher.ts';
import { quantizeModel } from '../quantize/quantize-model.ts';
import { trainSimulation } from './qat-stage.ts';
import { remeasured } from './remeasured.ts';
import { settle } from './settle.ts';
import { simulate } from './simulate.ts';

/** What training on the simulated model left. */
export interface QatOutcome {
  readonly produced: Produced;
  /** The file that there would be without it; undefined where nothing was trained. */
  readonly untrained: Uint8Array | undefined;
  /** That it took. */
  readonly seconds: number;
  readonly clear: () => Promise<void>;
}

/**
 * Trains what was decided for the int8 model with its rounding simulated, where the plan says so, and writes exactly that.
 *
 * @param original whose answers are to be kept, where the plan names no other teacher
 * @throws {WaysideError} TRAINING_DIVERGED, MODEL_UNSUPPORTED, CHECKPOINT_INVALID; AbortError when `signal` aborts
 */
export async function qatByPlan(
  quantized: Produced,
  original: Model,
  { train, validation }: Data,
  preprocessing: Preprocessing,
  { out, teacher: given, threads = defaultThreads(), signal, onProgress }: CompressOptions,
  stages: StageLog,
): Promise<QatOutcome> {
  const { plan, float, chosen } = quantized;
  if (plan.qat === undefined) {
    return { produced: quantized, untrained: undefined, seconds: 0, clear: () => Promise.resolve() };
  }
  const teacher = teacherOf(plan.qat, given, original);
  const context = { train, validation, preprocessing, teacher, plan: plan.qat, seed: plan.seed, threads, out };
  const run = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const started = performance.now();
  return stages.run('train with quantization simulated', async () => {
    const simulation = simulate(float, chosen, targetProfile(plan.target).limit);
    const trained = await trainSimulation(simulation, { ...context, ...run });
    const { weights: stored, scales } = await settle(trained.model, simulation, float, chosen.weights);
    const indices = calibrationIndices(train, plan);
    const measured = { preprocessing, indices, seed: plan.seed, threads, ...run };
    const weights = await remeasured(stored, layersOf(float.graph), (layers) =>
      collectMoments(float, layers, train, measured),
    );
    const after = { ...chosen, weights, scales };
    const model = quantizeModel(float, after);
    const seconds = (performance.now() - started) / 1000;
    const untrained = encodeModel(quantized.model);
    return { produced: { ...quantized, model, chosen: after, weights }, untrained, seconds, clear: trained.clear };
  });
}
