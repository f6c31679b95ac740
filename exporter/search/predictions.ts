import { type Batch, imagesToLookAt } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import { type Observer, observing, runOver } from '../../calibration/run-over.ts';
import { pairedError } from '../../core/intervals.ts';
import type { DetectorHead } from '../../inference/heads/head.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { argMax, probabilities } from '../../inference/scores.ts';
import { floatsOf, type Results, type Session } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';

export interface AskOptions {
  readonly dataset: Dataset;
  /** Positions of the images asked about. */
  readonly indices: readonly number[];
  readonly preprocessing: Preprocessing;
  /** Of a detector: predictions are compared as boxes. @default as class probabilities, or as values */
  readonly head?: DetectorHead | undefined;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a model says of some images, in their order. */
export interface Predictions {
  /** Of the classes, `[classes]` each; none where the model is no classifier. */
  readonly probabilities: readonly Float32Array[];
  /** Of a model that is no classifier: values of each output for each image, as they are, `[outputs][images]`. */
  readonly values?: readonly (readonly Float32Array[])[];
  /** Of a detector: how its first output is read. */
  readonly boxes?: { readonly head: DetectorHead; readonly size: readonly [number, number] } | undefined;
  readonly labels: readonly number[];
}

/**
 * A classifier answers with one score a class: `[N, classes]`, perhaps with dimensions of 1. A single score is a value like any other: among
 * one class the probability is always 1.
 */
const isClassifier = ({ output: { type, shape } }: Session): boolean => {
  const classes = shape.filter((dim, axis) => axis > 0 && dim !== 1);
  return type === 'float32' && (classes.length === 1 || (classes.length === 0 && shape.length === 0));
};

/** Values kept of an output for one image: a segmentation of 21 classes at 512x512 has 5.5 million. */
const KEPT_VALUES = 65_536;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Every n-th value, the same ones for every image. No n that shares a factor with the length: it would leave channels out. */
function thinned(values: Float32Array): Float32Array {
  let step = Math.ceil(values.length / KEPT_VALUES);
  if (step <= 1) return values;
  while (gcd(step, values.length) > 1) step++;
  return values.filter((_, i) => i % step === 0);
}

interface KeeperOptions {
  /** How many of the session's outputs are the model's own; others were added to be observed. @default all */
  readonly outputs?: number;
  /** Positions of the images that go by. */
  readonly indices: readonly number[];
  /** Those of them whose answers are kept. @default all */
  readonly only?: ReadonlySet<number>;
  /** Of a detector: its first output is kept whole, and no other. */
  readonly head?: DetectorHead | undefined;
  readonly preprocessing?: Preprocessing | undefined;
}

/** Keeps what a model says of images. */
export class PredictionKeeper implements Observer {
  readonly values: readonly string[];
  readonly #classifies: boolean;
  readonly #found: readonly Float32Array[][];
  readonly #labels: number[] = [];
  readonly #keeps: (image: number) => boolean;
  readonly #boxes: Predictions['boxes'];
  #seen = 0;

  constructor(
    session: Session,
    { outputs = session.outputs.length, indices, only, head, preprocessing }: KeeperOptions,
  ) {
    this.#keeps = (image) => only === undefined || only.has(indices[image]!);
    const floats = session.outputs.slice(0, outputs).flatMap(({ name, type }) => (type === 'float32' ? [name] : []));
    this.#boxes = head && preprocessing && { head, size: preprocessing.size };
    this.#classifies = this.#boxes === undefined && isClassifier(session);
    this.values = this.#classifies || this.#boxes !== undefined ? [session.output.name] : floats;
    this.#found = this.values.map(() => []);
  }

  see({ count, tensor, labels }: Batch, seen: Results): void {
    const kept = Array.from({ length: count }, (_, i) => i).filter((i) => this.#keeps(this.#seen + i));
    for (const [at, name] of this.values.entries()) {
      const all = floatsOf(seen, name);
      const length = all.length / (tensor.dims[0] ?? 1);
      for (const i of kept) {
        const own = all.slice(i * length, (i + 1) * length);
        this.#found[at]?.push(this.#classifies ? probabilities(own) : this.#boxes === undefined ? thinned(own) : own);
      }
    }
    this.#labels.push(...kept.map((i) => labels[i]!));
    this.#seen += count;
  }

  get answers(): Predictions {
    const labels = this.#labels;
    return this.#classifies
      ? { probabilities: this.#found[0] ?? [], labels }
      : { probabilities: [], values: this.#found, labels, ...(this.#boxes && { boxes: this.#boxes }) };
  }
}

/** @throws {WaysideError} PREPROCESS_MISMATCH, SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts */
export function predictionsOf(model: Model, { dataset, threads, signal, ...run }: AskOptions): Promise<Predictions> {
  return observing(model, [], threads, async (session) => {
    const keeper = new PredictionKeeper(session, run);
    const batchSize = imagesToLookAt(run.preprocessing.size);
    await runOver(session, dataset, [keeper], { ...run, batchSize, signal });
    return keeper.answers;
  });
}

/** `count` of the positions, spread evenly: they are in the order of the set, which may be that of the classes. */
export const spreadOver = (indices: readonly number[], count: number): number[] =>
  indices.filter((_, i) => i % Math.ceil(indices.length / count) === 0);

/** Side of the images that all of a number are taken of; of larger ones fewer are enough, as they cost more and hold more. */
const SIDE = 64;

/** How many images of a size to run for one decision: `most` up to 64x64, never below a quarter. */
export function imagesOf({ size: [height, width] }: Preprocessing, most: number): number {
  return Math.max(most / 4, Math.min(most, Math.round((most * SIDE ** 2) / (height * width))));
}

/** Points of top-1 accuracy that the second answers have less than the first; negative where they have more. */
export function pointsLost(before: Predictions, after: Predictions): number {
  return (100 * (rightAnswers(before) - rightAnswers(after))) / Math.max(1, before.labels.length);
}

/**
 * Standard error of `pointsLost`, in points: only images that one of the two got right and the other wrong vary in it
 * (McNemar): sqrt(b + c) / n.
 */
export function uncertainty(before: Predictions, after: Predictions): number {
  const { labels } = before;
  const changed = labels.filter((label, i) => isRight(before, i, label) !== isRight(after, i, label)).length;
  return 100 * pairedError(changed, labels.length);
}

const isRight = ({ probabilities }: Predictions, i: number, label: number): boolean =>
  argMax(probabilities[i]!) === label;

const rightAnswers = (answers: Predictions): number =>
  answers.labels.filter((label, i) => isRight(answers, i, label)).length;
