import { batchesOf, batchSizeFor } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import { openGraph } from '../../calibration/graph-session.ts';
import { pairedError } from '../../core/intervals.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { argMax, probabilities } from '../../inference/scores.ts';
import { floatsOf, type Session } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';

export interface AskOptions {
  readonly dataset: Dataset;
  /** Positions of the pictures asked about. */
  readonly indices: readonly number[];
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

/** What a model says of some pictures, in their order. */
export interface Answers {
  /** Of the classes, `[classes]` each; none where the model is no classifier. */
  readonly probabilities: readonly Float32Array[];
  /** Of a model that is no classifier: values of each output for each picture, as they are, `[outputs][pictures]`. */
  readonly values?: readonly (readonly Float32Array[])[];
  readonly labels: readonly number[];
}

/**
 * A classifier answers with one score a class: `[N, classes]`, perhaps with dimensions of 1. A single score is a value like any other: among
 * one class the probability is always 1.
 */
export const isClassifier = ({ output: { type, shape } }: Session): boolean => {
  const classes = shape.filter((dim, axis) => axis > 0 && dim !== 1);
  return type === 'float32' && (classes.length === 1 || (classes.length === 0 && shape.length === 0));
};

/** Values kept of an output for one picture: a segmentation of 21 classes at 512x512 has 5.5 million. */
const KEPT_VALUES = 65_536;

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Every n-th value, the same ones for every picture. No n that shares a factor with the length: it would leave channels out. */
function thinned(values: Float32Array): Float32Array {
  let step = Math.ceil(values.length / KEPT_VALUES);
  if (step <= 1) return values;
  while (gcd(step, values.length) > 1) step++;
  return values.filter((_, i) => i % step === 0);
}

/** @throws {WaysideError} PREPROCESS_MISMATCH, SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts */
export async function answersOf(model: Model, options: AskOptions): Promise<Answers> {
  const { dataset, indices, preprocessing, threads, signal } = options;
  const session = await openGraph(model, {
    threads,
    config: { 'session.intra_op.allow_spinning': '0' },
  });
  try {
    const { input, output } = session;
    const classifies = isClassifier(session);
    const names = classifies
      ? [output.name]
      : session.outputs.flatMap(({ name, type }) => (type === 'float32' ? [name] : []));
    const found: Float32Array[][] = names.map(() => []);
    const labels: number[] = [];
    const stream = batchesOf(dataset, preprocessing, batchSizeFor(input, preprocessing), {
      indices,
      fixed: typeof input.shape[0] === 'number',
    });
    for await (const batch of stream) {
      signal?.throwIfAborted();
      const results = await session.run({ [input.name]: batch.tensor }, { outputs: names });
      for (const [at, name] of names.entries()) {
        const all = floatsOf(results, name);
        const length = all.length / (batch.tensor.dims[0] ?? 1);
        const of = (i: number): Float32Array => all.slice(i * length, (i + 1) * length);
        for (let i = 0; i < batch.count; i++) found[at]?.push(classifies ? probabilities(of(i)) : thinned(of(i)));
      }
      labels.push(...batch.labels.slice(0, batch.count));
    }
    return classifies ? { probabilities: found[0] ?? [], labels } : { probabilities: [], values: found, labels };
  } finally {
    await session.close();
  }
}

/** `count` of the positions, spread evenly: they are in the order of the set, which may be that of the classes. */
export const spreadOver = (indices: readonly number[], count: number): number[] =>
  indices.filter((_, i) => i % Math.ceil(indices.length / count) === 0);

/** Side of the pictures that all of a number are taken of; of larger ones fewer are enough, as they cost more and hold more. */
const SIDE = 64;

/** How many pictures of a size to run for one decision: `most` up to 64x64, never below a quarter. */
export function picturesOf({ size: [height, width] }: Preprocessing, most: number): number {
  return Math.max(most / 4, Math.min(most, Math.round((most * SIDE ** 2) / (height * width))));
}

/** Points of top-1 accuracy that the second answers have less than the first; negative where they have more. */
export function pointsLost(before: Answers, after: Answers): number {
  return (100 * (rightAnswers(before) - rightAnswers(after))) / Math.max(1, before.labels.length);
}

/**
 * Standard error of `pointsLost`, in points: only pictures that one of the two got right and the other wrong vary in it
 * (McNemar): sqrt(b + c) / n.
 */
export function uncertainty(before: Answers, after: Answers): number {
  const { labels } = before;
  const changed = labels.filter((label, i) => isRight(before, i, label) !== isRight(after, i, label)).length;
  return 100 * pairedError(changed, labels.length);
}

const isRight = ({ probabilities }: Answers, i: number, label: number): boolean => argMax(probabilities[i]!) === label;

const rightAnswers = (answers: Answers): number =>
  answers.labels.filter((label, i) => isRight(answers, i, label)).length;
