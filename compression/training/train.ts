import { WaysideError } from '../../core/errors.ts';
import type { Model } from '../../onnx/graph.ts';
import { crossEntropy } from '../autodiff/losses/cross-entropy.ts';
import { distillation } from '../autodiff/losses/distillation.ts';
import { buildTrainingGraph, type TrainingGraph } from '../autodiff/training-graph.ts';
import { type EpochReport, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import { stepsPerEpoch } from './data/batch-maker.ts';
import { batchesOfEpochs } from './data/batch-stream.ts';
import { ofWholeBatch, openSteppers, shardsOf } from './data-parallel/shards.ts';
import type { TrainOptions, TrainResult } from './options.ts';
import { bestOf, copyInto, copyOf, digestOfRun, keep } from './run.ts';
import { withLogits } from './scores.ts';
import { stepPlan } from './step-plan.ts';
import { openValidator } from './validator.ts';
import { updateRunning, weightsOf, withWeights } from './weights.ts';

/** Between two checkpoints inside an epoch; one of VGG16 has 180 MB, a second of a disk. */
const CHECKPOINT_MS = 120_000;

/**
 * Trains a classifier: forward, loss and gradients in one run of ONNX Runtime, the optimizer's step over typed arrays,
 * augmented batches from another thread. Deterministic from its seed for a given number of threads, also across
 * interruptions where a checkpoint is kept.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED, TRAINING_DIVERGED, CHECKPOINT_INVALID, SESSION_RUN; AbortError on abort
 */
export async function train(model: Model, options: TrainOptions): Promise<TrainResult> {
  const { epochs, batch = 128, seed = 0, threads = 1, patience, checkpoint, signal, preprocessing } = options;
  const { trains, parameters, stopGradients } = options;
  const shards = shardsOf(batch, threads);
  const graph = buildTrainingGraph(withLogits(model), {
    batch: batch / shards,
    loss: options.teacher ? distillation(options.teacher) : crossEntropy,
    batchNorm: options.batchNorm ?? 'training',
    ...(trains ? { trains } : {}),
    ...(parameters ? { parameters } : {}),
    ...(stopGradients ? { stopGradients } : {}),
  });
  const weights = weightsOf(model, graph.parameters, ofWholeBatch(graph.statistics, shards));
  const optimizer = options.optimizer(graph.parameters);
  const best = copyOf(weights);
  const everything = (): readonly Float32Array[] => [
    ...weights.values,
    ...weights.running,
    ...optimizer.state(),
    ...best.values,
    ...best.running,
  ];
  const run = digestOfRun(model, options, graph, optimizer.name);
  const kept = checkpoint === undefined ? undefined : await readCheckpoint(checkpoint, run);
  if (kept !== undefined) copyInto(everything(), kept.arrays);
  const history: EpochReport[] = [...(kept?.history ?? [])];

  const images = { ...options.images, classes: scoresOf(graph, options.images.classes) };
  const plan = { images, preprocessing, augmentation: options.augmentation ?? {}, batch, seed };
  const steps = stepsPerEpoch(plan);
  const at = { epoch: kept?.epoch ?? 0, step: kept?.step ?? 0, loss: kept?.loss ?? 0 };
  const begun = performance.now();
  const spent = (): number => (kept?.seconds ?? 0) + (performance.now() - begun) / 1000;
  const clock = { started: performance.now(), saved: performance.now(), fresh: 0 };
  const save = async (): Promise<void> => {
    if (checkpoint === undefined) return;
    await writeCheckpoint(checkpoint, { run, ...at, history, seconds: spent(), arrays: everything() });
    clock.saved = performance.now();
  };
  const gaveUp = (): boolean => {
    const since = history.length - 1 - (bestOf(history)?.epoch ?? 0);
    return patience !== undefined && since >= patience;
  };

  const teacher = options.teacher && withLogits(options.teacher.model);
  const stepper = await openSteppers(await stepPlan(graph, weights, teacher), weights.values, { shards, threads });
  const validator = await openValidator(model, weights, options.validation, preprocessing, threads);
  const batches = batchesOfEpochs(plan, { epochs: gaveUp() ? 0 : epochs, fromEpoch: at.epoch, fromStep: at.step });
  try {
    for await (const { epoch, step, data, targets } of batches) {
      if (signal?.aborted) {
        await save();
        signal.throwIfAborted();
      }
      const { loss, gradients, statistics } = await stepper.step(data, targets);
      if (!Number.isFinite(loss)) throw diverged(epoch, step, options.rate);
      const done = (epoch * steps + step) / (epochs * steps);
      optimizer.step(weights.values, gradients, options.rate * options.schedule.at(done));
      updateRunning(weights, statistics);
      options.constrain?.(weights);
      Object.assign(at, { step: step + 1, loss: at.loss + loss });
      clock.fresh++;
      const standing = { epoch, step, steps, loss: at.loss / (step + 1), clock };
      tell(options, { ...standing, accuracy: history.at(-1)?.accuracy });
      if (step < steps - 1) {
        if (performance.now() - clock.saved > CHECKPOINT_MS) await save();
        continue;
      }
      const seconds = (performance.now() - clock.started) / 1000;
      const accuracy = await validator.accuracy(weights, signal);
      const report = { epoch, loss: at.loss / steps, accuracy, picturesPerSecond: (clock.fresh * batch) / seconds };
      if (accuracy > (bestOf(history)?.accuracy ?? -1)) keep(best, weights);
      history.push(report);
      tell(options, { ...standing, accuracy });
      Object.assign(at, { epoch: epoch + 1, step: 0, loss: 0 });
      await save();
      options.onEpoch?.(report);
      if (gaveUp()) break;
      Object.assign(clock, { started: performance.now(), fresh: 0 });
    }
  } finally {
    await stepper.close();
    await validator.close();
  }
  return {
    model: withWeights(model, { ...weights, ...best }),
    accuracy: bestOf(history)?.accuracy ?? 0,
    epochs: history,
    seconds: spent(),
  };
}

interface Standing {
  readonly epoch: number;
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  /** On the validation images, when last measured. */
  readonly accuracy: number | undefined;
  readonly clock: { readonly started: number; readonly fresh: number };
}

/** Says where the training stands: images of this epoch, and how long all epochs will take at this speed. */
function tell(
  { onProgress, epochs, batch = 128 }: TrainOptions,
  { epoch, step, steps, loss, accuracy, clock }: Standing,
): void {
  const perStep = (performance.now() - clock.started) / 60_000 / clock.fresh;
  const minutes = perStep * (epochs * steps - (epoch * steps + step + 1));
  const left = minutes < 1 ? 'under 1 min' : `${Math.round(minutes)} min`;
  const validated = accuracy === undefined ? '' : `${(accuracy * 100).toFixed(1)} %, `;
  onProgress?.({
    stage: `epoch ${epoch + 1}/${epochs}`,
    done: (step + 1) * batch,
    total: steps * batch,
    detail: `loss ${loss.toFixed(3)}, ${validated}${left} in all`,
  });
}

/** Scores the network gives: targets have as many columns. @throws {WaysideError} DATASET_INVALID when classes have none */
function scoresOf({ model, lossInputs }: TrainingGraph, classes: number): number {
  const targets = model.graph.inputs.find(({ name }) => name === lossInputs[0]);
  const scores = Number(targets?.shape?.[1]);
  if (scores >= classes) return scores;
  throw new WaysideError('DATASET_INVALID', {
    message: `the images have ${classes} classes, the model ${scores}`,
    hint: 'give the model a head for them: `wayside finetune` does so by itself',
  });
}

const diverged = (epoch: number, step: number, rate: number): WaysideError =>
  new WaysideError('TRAINING_DIVERGED', {
    message: `the loss is no longer finite in epoch ${epoch + 1}, step ${step + 1}, at a rate of up to ${rate}`,
    hint: 'train with a lower --rate',
  });
