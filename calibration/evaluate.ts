import { WaysideError } from '../core/errors.ts';
import type { RunOptions } from '../core/progress.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import { argMax } from '../inference/scores.ts';
import { describeOutputs, floatsOf, type Results, type Session, type ValueSpec } from '../inference/session.ts';
import { type Batch, imagesToLookAt } from './batches.ts';
import type { Dataset } from './dataset.ts';
import { spreadPositions } from './datasets/positions.ts';
import { runOver } from './run-over.ts';

/** How often class `label` was answered with `predicted`: `counts[label * classes + predicted]`. */
interface Confusion {
  readonly classes: number;
  readonly counts: Uint32Array;
}

export interface Evaluation {
  /** Share of images whose highest score is the right class, 0 to 1. */
  readonly top1: number;
  /** Share of images whose right class is among the five highest scores, 0 to 1. */
  readonly top5: number;
  readonly samples: number;
  readonly confusion: Confusion;
}

/** One image's outcome. `scores` is a view into the batch: copy what is kept. */
export interface Outcome {
  readonly id: string;
  readonly label: number;
  readonly predicted: number;
  readonly scores: Float32Array;
}

export interface EvaluateOptions extends RunOptions {
  readonly preprocessing: Preprocessing;
  /** Output that holds the scores. @default the first */
  readonly output?: string | undefined;
  /** Images to use, spread evenly over the set. @default all */
  readonly limit?: number | undefined;
  /** Positions to use instead of `limit`. */
  readonly indices?: readonly number[] | undefined;
  /** Images a run where the model leaves the batch open. @default 16, fewer of more than 79x79 pixels */
  readonly batchSize?: number | undefined;
  /** Refuse a model that answers no image of the first batch with a number, rather than count every answer as wrong. @default false */
  readonly needsNumbers?: boolean | undefined;
  /** Said to the progress listener. @default 'evaluating' */
  readonly stage?: string | undefined;
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** Scores ahead of the right class's; of equal scores the lower index goes first, as in `topK`. NaN is never right. */
function rankOf(label: number, scores: Float32Array): number {
  const own = scores[label]!;
  if (Number.isNaN(own)) return Number.POSITIVE_INFINITY;
  let rank = 0;
  for (let i = 0; i < scores.length; i++) if (scores[i]! > own || (scores[i] === own && i < label)) rank++;
  return rank;
}

/** Scores an image has. A classifier answers with one score a class: `[N, classes]`, perhaps with dimensions of 1. */
function classesOf({ outputs }: Session, name: string, dims: readonly number[], batch: number): number {
  const [rows, ...others] = dims.filter((dim, axis) => axis === 0 || dim !== 1);
  if (rows === batch && others.length === 1) return others[0] ?? 0;
  if (rows === batch && others.length === 0 && dims.every((dim, axis) => axis === 0 || dim === 1)) {
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `${name} is one score an image, [${dims.join(', ')}]: classes are told apart by one score each`,
      hint: 'export the model with two scores, or quantize it with `wayside quantize --unlabelled`, which needs no classes',
    });
  }
  if (rows === batch && dims.length === 2) return dims[1] ?? 0;
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `expected one score a class from ${name}, [${batch}, classes], got [${dims.join(', ')}]`,
    hint:
      outputs.length > 1
        ? `say which of its outputs has the scores with --output: ${describeOutputs(outputs)}`
        : 'Wayside evaluates and compresses image classifiers; detectors and the like have no top-1: see `wayside quantize --unlabelled`',
  });
}

/** @throws {WaysideError} MODEL_UNSUPPORTED */
function requireFloatScores({ name, type }: ValueSpec): void {
  if (type === 'float32') return;
  throw new WaysideError('MODEL_UNSUPPORTED', {
    message: `output ${name} is no score: it is ${type}, not float32`,
    hint: 'export the model with its scores as its first output, one a class, before an ArgMax or the like chooses among them',
  });
}

/** One image may upset a model; one that answers no image with numbers has nothing to be measured. */
function requireNumbers(scores: Float32Array, name: string): void {
  if (scores.some(Number.isFinite)) return;
  throw new WaysideError('MODEL_NOT_FINITE', {
    message: `output ${name} is NaN or infinite for every image`,
    hint: 'the training it came from has probably diverged, or the export went wrong',
  });
}

/** Fewer or more names than scores would put the wrong name to an answer. */
function requireClasses({ name, classes: names }: Dataset, classes: number): void {
  if (names === undefined || names.length === classes) return;
  throw new WaysideError('DATASET_INVALID', {
    message: `${name} names ${names.length} classes, the model knows ${classes}`,
    hint: 'name all classes of the model, one a line in their order: --labels FILE; or the folders by the index of the class',
  });
}

/** Counts outcomes; knows the number of classes from the first scores. */
class Tally {
  #confusion: Confusion = { classes: 0, counts: new Uint32Array(0) };
  #samples = 0;
  #top1 = 0;
  #top5 = 0;

  get isEmpty(): boolean {
    return this.#samples === 0;
  }

  add(id: string, label: number, scores: Float32Array): number {
    if (this.#samples === 0) this.#confusion = { classes: scores.length, counts: new Uint32Array(scores.length ** 2) };
    if (label >= scores.length) {
      throw new WaysideError('DATASET_INVALID', {
        message: `${id} is of class ${label}, but the model knows ${scores.length} classes`,
        hint: 'the data set belongs to another model',
      });
    }
    const rank = rankOf(label, scores);
    const predicted = argMax(scores);
    if (rank === 0) this.#top1++;
    if (rank < 5) this.#top5++;
    this.#samples++;
    this.#confusion.counts[label * scores.length + predicted]! += 1;
    return predicted;
  }

  result(): Evaluation {
    const samples = this.#samples;
    return { top1: this.#top1 / samples, top5: this.#top5 / samples, samples, confusion: this.#confusion };
  }
}

/**
 * Measures a classifier in ONNX Runtime. Images are read and decoded while the model runs; memory holds two batches.
 *
 * @throws {WaysideError} PREPROCESS_MISMATCH, DATASET_INVALID, SESSION_RUN, MODEL_NOT_FINITE where asked to, MODEL_UNSUPPORTED for an output that is no
 *   vector of scores; AbortError when `signal` aborts
 */
export async function evaluate(session: Session, dataset: Dataset, options: EvaluateOptions): Promise<Evaluation> {
  const { preprocessing, limit, needsNumbers = false, stage = 'evaluating', onOutcome, onProgress, signal } = options;
  const { batchSize = imagesToLookAt(preprocessing.size) } = options;
  const output = session.scores(options.output);
  const indices = options.indices ?? spreadPositions(dataset.size, limit);
  if ((indices?.length ?? dataset.size) === 0)
    throw new WaysideError('DATASET_INVALID', { message: `no images of ${dataset.name} to evaluate on` });

  requireFloatScores(output);
  const tally = new Tally();
  const see = (batch: Batch, results: Results): void => {
    const scores = floatsOf(results, output.name);
    const classes = classesOf(session, output.name, results[output.name]?.dims ?? [], batch.tensor.dims[0] ?? 1);
    requireClasses(dataset, classes);
    if (needsNumbers && tally.isEmpty) requireNumbers(scores, output.name);
    for (let i = 0; i < batch.count; i++) {
      const own = scores.subarray(i * classes, (i + 1) * classes);
      const id = batch.ids[i] ?? '';
      const label = batch.labels[i] ?? 0;
      const predicted = tally.add(id, label, own);
      onOutcome?.({ id, label, predicted, scores: own });
    }
  };
  const run = { preprocessing, indices, batchSize, stage, signal, onProgress };
  await runOver(session, dataset, [{ values: [output.name], see }], run);
  return tally.result();
}
