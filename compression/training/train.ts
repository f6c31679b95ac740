import type { Dataset } from '../../calibration/dataset.ts';
import { WaysideError } from '../../core/errors.ts';
import { digestOf } from '../../core/hash.ts';
import type { RunOptions } from '../../core/progress.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { floatsOf, floatTensor, openSession, type RunTensor, type Session } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';
import { encodeModel } from '../../onnx/write.ts';
import { crossEntropy } from '../gradient/losses/cross-entropy.ts';
import { distillation } from '../gradient/losses/distillation.ts';
import { buildTrainingGraph, type TrainingGraph } from '../gradient/training-graph.ts';
import type { Augmentation } from './augment.ts';
import { stepsPerEpoch } from './batch-maker.ts';
import { batchesOfEpochs } from './batch-stream.ts';
import { type Checkpoint, readCheckpoint, writeCheckpoint } from './checkpoint.ts';
import type { Optimizer } from './optimizer.ts';
import type { Pictures } from './pictures.ts';
import type { Schedule } from './schedule.ts';
import { openValidator } from './validator.ts';
import { updateRunning, type Weights, weightsOf, withWeights } from './weights.ts';

export interface EpochReport {
  readonly epoch: number;
  readonly loss: number;
  /** On the validation pictures, 0 to 1. */
  readonly accuracy: number;
  readonly picturesPerSecond: number;
}

export interface TrainOptions extends RunOptions {
  readonly pictures: Pictures;
  readonly validation: Dataset;
  readonly validationIndices?: readonly number[] | undefined;
  readonly preprocessing: Preprocessing;
  readonly epochs: number;
  /** Pictures a step. @default 128 */
  readonly batch?: number;
  /** Highest learning rate. */
  readonly rate: number;
  readonly optimizer: (graph: TrainingGraph) => Optimizer;
  readonly schedule: Schedule;
  readonly augmentation?: Augmentation;
  readonly batchNorm?: 'training' | 'frozen';
  /** The original model, whose answers are to be kept: adds distillation. */
  readonly teacher?: { readonly model: Model; readonly temperature?: number; readonly weight?: number } | undefined;
  readonly seed?: number;
  readonly threads?: number;
  /** Ends when so many epochs bring no better validation accuracy. @default never */
  readonly patience?: number | undefined;
  /** Puts the weights back where they may be after every step: masks, codebooks. */
  readonly constrain?: (weights: Weights) => void;
  /** A file that holds where the training stands; one that is there is continued. */
  readonly checkpoint?: string | undefined;
  readonly onEpoch?: (report: EpochReport) => void;
}

export interface TrainResult {
  /** The model with the weights of the best epoch. */
  readonly model: Model;
  readonly accuracy: number;
  readonly epochs: readonly EpochReport[];
}

/** What decides the outcome, in one digest: a checkpoint is only continued by the same run. */
function runDigest(model: Model, options: TrainOptions, graph: TrainingGraph): string {
  const { epochs, batch, rate, augmentation, batchNorm, seed, pictures, preprocessing } = options;
  const labels = digestOf(new Uint8Array(pictures.labels));
  return digestOf(
    JSON.stringify([
      digestOf(encodeModel(model)),
      labels,
      pictures.count,
      preprocessing,
      epochs,
      batch,
      rate,
      augmentation,
      batchNorm,
      seed,
      graph.parameters.map(({ name }) => name),
      options.teacher && digestOf(encodeModel(options.teacher.model)),
    ]),
  );
}

/**
 * Trains a classifier: forward, loss and gradients in one run of ONNX Runtime, the optimizer's step over typed arrays,
 * augmented batches from another thread. Deterministic from its seed for a given number of threads.
 *
 * @throws {WaysideError} MODEL_UNSUPPORTED, TRAINING_DIVERGED, CHECKPOINT_INVALID, SESSION_RUN; AbortError on abort
 */
export async function train(model: Model, options: TrainOptions): Promise<TrainResult> {
  const { epochs, batch = 128, seed = 0, threads = 1, patience, checkpoint, signal } = options;
  const loss = options.teacher ? distillation(options.teacher) : crossEntropy;
  const graph = buildTrainingGraph(model, { batch, loss, batchNorm: options.batchNorm ?? 'training' });
  const weights = weightsOf(model, graph.parameters, graph.statistics);
  const optimizer = options.optimizer(graph);
  const run = runDigest(model, options, graph);
  const best = {
    accuracy: -1,
    epoch: -1,
    values: weights.values.map((v) => v.slice()),
    running: weights.running.map((v) => v.slice()),
  };
  const everything = (): Float32Array[] => [
    ...weights.values,
    ...weights.running,
    ...optimizer.state(),
    ...best.values,
    ...best.running,
  ];
  const kept = checkpoint === undefined ? undefined : await readCheckpoint(checkpoint, run);
  if (kept !== undefined) {
    everything().forEach((array, i) => {
      array.set(kept.arrays[i] ?? []);
    });
    Object.assign(best, kept.best);
  }
  const stepper = await openStepper(graph, weights, options, threads);
  const validator = await openValidator(model, weights, options.validation, options.preprocessing, {
    threads,
    indices: options.validationIndices,
  });
  const plan = {
    pictures: options.pictures,
    preprocessing: options.preprocessing,
    augmentation: options.augmentation ?? {},
    batch,
    seed,
  };
  const steps = stepsPerEpoch(plan);
  const reports: EpochReport[] = [];
  try {
    const fromEpoch = kept?.epoch ?? 0;
    let summed = 0;
    let started = performance.now();
    for await (const { epoch, step, data, targets } of batchesOfEpochs(plan, { epochs, fromEpoch })) {
      signal?.throwIfAborted();
      const value = await stepper.step(data, targets);
      if (!Number.isFinite(value)) throw diverged(epoch, step, options.rate);
      optimizer.step(
        weights.values,
        stepper.gradients,
        options.rate * options.schedule((epoch * steps + step) / (epochs * steps)),
      );
      updateRunning(weights, stepper.statistics);
      options.constrain?.(weights);
      summed += value;
      const seconds = (performance.now() - started) / 1000;
      options.onProgress?.({
        stage: `epoch ${epoch + 1}/${epochs}, loss ${(summed / (step + 1)).toFixed(3)}`,
        done: epoch * steps + step + 1,
        total: epochs * steps,
      });
      if (step < steps - 1) continue;
      const accuracy = await validator.accuracy(weights, signal);
      const report = { epoch, loss: summed / steps, accuracy, picturesPerSecond: (steps * batch) / seconds };
      reports.push(report);
      options.onEpoch?.(report);
      if (accuracy > best.accuracy) keepBest(best, weights, accuracy, epoch);
      if (checkpoint !== undefined)
        await save(checkpoint, {
          run,
          epoch: epoch + 1,
          best: { accuracy: best.accuracy, epoch: best.epoch },
          arrays: everything(),
        });
      if (patience !== undefined && epoch - best.epoch >= patience) break;
      summed = 0;
      started = performance.now();
    }
  } finally {
    await stepper.close();
    await validator.close();
  }
  return {
    model: withWeights(model, { ...weights, values: best.values, running: best.running }),
    accuracy: best.accuracy,
    epochs: reports,
  };
}

const save = (path: string, checkpoint: Checkpoint): Promise<void> => writeCheckpoint(path, checkpoint);

function keepBest(
  best: { accuracy: number; epoch: number; readonly values: Float32Array[]; readonly running: Float32Array[] },
  weights: Weights,
  accuracy: number,
  epoch: number,
): void {
  best.accuracy = accuracy;
  best.epoch = epoch;
  weights.values.forEach((values, i) => {
    best.values[i]!.set(values);
  });
  weights.running.forEach((values, i) => {
    best.running[i]!.set(values);
  });
}

const diverged = (epoch: number, step: number, rate: number): WaysideError =>
  new WaysideError('TRAINING_DIVERGED', {
    message: `the loss is no longer finite in epoch ${epoch + 1}, step ${step + 1}, at a rate of up to ${rate}`,
    hint: 'train with a lower --rate',
  });

interface Stepper {
  /** Runs forward and backward and returns the loss; gradients and statistics are then in the arrays below. */
  step(data: Float32Array, targets: Float32Array): Promise<number>;
  gradients: readonly Float32Array[];
  statistics: readonly Float32Array[];
  close(): Promise<void>;
}

async function openStepper(
  graph: TrainingGraph,
  weights: Weights,
  options: TrainOptions,
  threads: number,
): Promise<Stepper> {
  const session = await openSession(encodeModel(graph.model), { threads });
  const teacher = options.teacher && (await openSession(encodeModel(options.teacher.model), { threads }));
  const dims = (name: string): readonly number[] =>
    (graph.model.graph.inputs.find((input) => input.name === name)?.shape ?? []) as readonly number[];
  const feeds: Record<string, RunTensor> = {};
  graph.parameters.forEach(({ name, dims }, i) => {
    feeds[name] = floatTensor(weights.values[i]!, dims);
  });
  const [targetsInput = '', teacherInput = ''] = graph.lossInputs;
  const statisticsOutputs = graph.statistics.flatMap(({ batchMean, batchVariance }) => [batchMean, batchVariance]);
  const outputs = [graph.lossOutput, ...graph.gradients, ...statisticsOutputs];
  const stepper: Stepper = {
    gradients: [],
    statistics: [],
    async step(data, targets) {
      feeds[graph.picture] = floatTensor(data, dims(graph.picture));
      feeds[targetsInput] = floatTensor(targets, dims(targetsInput));
      if (teacher !== undefined) feeds[teacherInput] = await answers(teacher, data, dims(graph.picture));
      const results = await session.run(feeds, { outputs });
      stepper.gradients = graph.gradients.map((name) => floatsOf(results, name));
      stepper.statistics = statisticsOutputs.map((name) => floatsOf(results, name));
      return floatsOf(results, graph.lossOutput)[0]!;
    },
    async close() {
      await session.close();
      await teacher?.close();
    },
  };
  return stepper;
}

/** The teacher's logits for a batch. */
async function answers(teacher: Session, data: Float32Array, dims: readonly number[]): Promise<RunTensor> {
  const results = await teacher.run(
    { [teacher.input.name]: floatTensor(data, dims) },
    { outputs: [teacher.output.name] },
  );
  const logits = floatsOf(results, teacher.output.name);
  return floatTensor(logits, [dims[0]!, logits.length / dims[0]!]);
}
