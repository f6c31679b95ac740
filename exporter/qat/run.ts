import type { Dataset } from '../../calibration/dataset.ts';
import { layersOf } from '../../compression/layers.ts';
import { collectMoments } from '../../compression/rounding/collect.ts';
import type { Teacher } from '../../compression/training/options.ts';
import type { RunContext } from '../../core/run/context.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { calibrationIndices } from '../plan/calibration-samples.ts';
import type { CompressionPlan } from '../plan/plan.ts';
import type { QatPlan } from '../plan/qat.ts';
import { targetProfile } from '../plan/targets.ts';
import type { WorkFolder } from '../prune-finetune/work-folder.ts';
import type { DecidedWeights } from '../quantize/choose-weights.ts';
import { quantizeModel } from '../quantize/quantize-model.ts';
import type { QuantizationChoices } from '../search/calibrated.ts';
import { convert } from './convert.ts';
import { fakeQuantize } from './fake-quantize.ts';
import { trainFakeQuantized } from './qat-stage.ts';
import { remeasured } from './remeasured.ts';

/** An int8 model, and all that was chosen for it. */
interface TrainedModel {
  readonly model: Model;
  readonly chosen: QuantizationChoices;
  readonly weights: ReadonlyMap<string, DecidedWeights>;
}

interface QatOptions {
  readonly plan: QatPlan;
  readonly teacher: Teacher;
  readonly preprocessing: Preprocessing;
  /** Validation images choose the epoch. @default a share of the training images */
  readonly data: { readonly train: Dataset; readonly validation?: Dataset | undefined };
}

/**
 * Trains what was decided for an int8 model with its rounding simulated, and writes exactly that.
 *
 * @throws {WaysideError} TRAINING_DIVERGED, MODEL_UNSUPPORTED, CHECKPOINT_INVALID; AbortError when `signal` aborts
 */
export async function trainQuantized(
  {
    float,
    chosen,
    plan,
  }: { readonly float: Model; readonly chosen: QuantizationChoices; readonly plan: CompressionPlan },
  { data: { train, validation }, preprocessing, ...asked }: QatOptions,
  { threads, signal, onProgress, work }: RunContext & { readonly work: WorkFolder },
): Promise<TrainedModel> {
  const { seed } = plan;
  const run = { preprocessing, seed, threads, signal, onProgress };
  const simulated = fakeQuantize(float, chosen, targetProfile(plan.target).limit);
  const trained = await trainFakeQuantized(simulated, { ...run, ...asked, train, validation, work });
  const { weights: stored, scales } = await convert(trained, simulated, float, chosen.weights);
  const indices = calibrationIndices(train, plan);
  const weights = await remeasured(
    stored,
    layersOf(float.graph),
    (layers) => collectMoments(float, layers, train, { ...run, indices }),
    signal,
  );
  const after = { ...chosen, weights, scales };
  return { model: quantizeModel(float, after), chosen: after, weights };
}
