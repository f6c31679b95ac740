import { z } from 'zod';
import type { Dataset } from '../../calibration/dataset.ts';
import { accuracyOf } from '../../compression/training/accuracy.ts';
import { loadSplit } from '../../compression/training/data/split.ts';
import { adamW } from '../../compression/training/optimizers/adamw.ts';
import { cosine } from '../../compression/training/optimizers/schedule.ts';
import type { Teacher } from '../../compression/training/options.ts';
import { train } from '../../compression/training/train.ts';
import type { RunContext } from '../../core/run/context.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { decodeModel } from '../../onnx/file/read.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import type { QatPlan } from '../plan/qat.ts';
import type { WorkFolder } from '../prune-finetune/work-folder.ts';
import { declaredClasses } from '../reading/model-notes.ts';
import { withinBounds } from './bounds.ts';
import type { FakeQuantizedModel } from './fake-quantize.ts';

interface QatContext extends Pick<RunContext, 'signal' | 'onProgress' | 'threads'> {
  readonly train: Dataset;
  /** Chooses the epoch. @default a share of the training images */
  readonly validation?: Dataset | undefined;
  readonly preprocessing: Preprocessing;
  readonly teacher: Teacher;
  readonly plan: QatPlan;
  readonly seed: number;
  /** Where the training stands. */
  readonly work: WorkFolder;
}

/** Share of the images set aside: they choose the epoch, and whether what training made is taken at all. */
const ASIDE = 0.05;

const Accuracies = z.strictObject({ before: z.number(), after: z.number() });

/**
 * Trains a simulation on the training images and on the original's answers. Where that made it worse on the images set
 * aside, it stays as it was. An interrupted training goes on from its checkpoint, a finished one is not repeated.
 *
 * @returns the simulation's model, with the parameters that were best on the images set aside
 * @throws {WaysideError} TRAINING_DIVERGED, MODEL_UNSUPPORTED, CHECKPOINT_INVALID; AbortError when `signal` aborts
 */
export async function trainFakeQuantized(simulated: FakeQuantizedModel, context: QatContext): Promise<Model> {
  const { train: dataset, validation: aside, preprocessing, teacher, plan, seed, threads, work } = context;
  const { signal, onProgress } = context;
  const kept = await work.load('simulation', Accuracies);
  if (kept !== undefined) return decodeModel(kept.model);

  await work.open();
  const run = { signal, onProgress };
  const { loaded, ...split } = await loadSplit(dataset, aside ?? ASIDE, { preprocessing, seed, ...run });
  const { validation } = split;
  const training = { ...split.training, classes: declaredClasses(simulated.model) ?? loaded.classes };
  const before = await accuracyOf(simulated.model, validation, context);
  const result = await train(simulated.model, {
    ...run,
    onProgress: (progress) => onProgress({ ...progress, stage: `quantized, ${progress.stage}` }),
    images: training,
    validation,
    preprocessing,
    epochs: plan.epochs,
    batch: plan.batch,
    rate: plan.rate,
    optimizer: (parameters) => adamW(parameters, { weightDecay: 0 }),
    schedule: cosine(0.05),
    augmentation: { shift: Math.round(preprocessing.size[0] / 8), flip: plan.flip },
    batchNorm: 'frozen',
    parameters: simulated.parameters,
    stopGradients: simulated.stopGradients,
    constrain: withinBounds,
    teacher,
    seed,
    threads,
    checkpoint: work.path('qat.checkpoint'),
  });
  const better = result.accuracy >= before;
  const model = encodeModel(better ? result.model : simulated.model);
  const accuracy = { before, after: better ? result.accuracy : before };
  await work.save('simulation', model, accuracy);
  return decodeModel(model);
}
