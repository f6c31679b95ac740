import { openGraph } from '../calibration/graph-session.ts';
import { probabilities } from '../inference/scores.ts';
import { floatsOf, floatTensor } from '../inference/session.ts';
import type { Model } from '../onnx/graph.ts';
import type { Activation } from './pruning/reconstruct/walk.ts';

export interface AnswerOptions {
  readonly threads?: number;
  readonly signal?: AbortSignal | undefined;
}

const BATCH = 16;

/** Class probabilities of a model for pictures at hand. @throws {WaysideError} SESSION_LOAD, SESSION_RUN */
export async function answersOf(
  model: Model,
  pictures: Activation,
  { threads = 1, signal }: AnswerOptions = {},
): Promise<Float32Array[]> {
  const config = { 'session.intra_op.allow_spinning': '0' };
  const session = await openGraph(model, { threads, config });
  try {
    const { input, output } = session;
    const length = pictures.dims.reduce((product, dim) => product * dim, 1);
    const count = pictures.data.length / length;
    const fixed = input.shape[0];
    const batch = typeof fixed === 'number' ? fixed : BATCH;
    const found: Float32Array[] = [];
    for (let from = 0; from < count; from += batch) {
      signal?.throwIfAborted();
      const size = typeof fixed === 'number' ? batch : Math.min(batch, count - from);
      const data = new Float32Array(size * length);
      data.set(pictures.data.subarray(from * length, (from + size) * length));
      const results = await session.run(
        { [input.name]: floatTensor(data, [size, ...pictures.dims]) },
        { outputs: [output.name] },
      );
      const scores = floatsOf(results, output.name);
      const classes = scores.length / size;
      for (let i = 0; i < Math.min(size, count - from); i++) {
        found.push(probabilities(scores.slice(i * classes, (i + 1) * classes)));
      }
    }
    return found;
  } finally {
    await session.close();
  }
}

/**
 * Mean Kullback-Leibler divergence of answers from the expected ones, in nats: 0 when nothing changed. Needs no labels, and
 * sees differences long before an answer changes.
 */
export function meanDivergence(expected: readonly Float32Array[], got: readonly Float32Array[]): number {
  let sum = 0;
  expected.forEach((p, i) => {
    const q = got[i]!;
    p.forEach((share, c) => {
      if (share > 1e-12) sum += share * Math.log(share / Math.max(q[c]!, 1e-12));
    });
  });
  return sum / Math.max(1, expected.length);
}

/** Share of pictures that both give to the same class. */
export function agreement(expected: readonly Float32Array[], got: readonly Float32Array[]): number {
  const first = (p: Float32Array): number => p.indexOf(Math.max(...p));
  return expected.filter((p, i) => first(p) === first(got[i]!)).length / Math.max(1, expected.length);
}

/** Probabilities at a higher temperature: p^(1/T), normalised. Shows differences between answers that are all but certain. */
export function softened(answers: readonly Float32Array[], temperature: number): Float32Array[] {
  return answers.map((p) => {
    const powers = p.map((share) => Math.max(share, 1e-30) ** (1 / temperature));
    const sum = powers.reduce((total, value) => total + value, 0);
    return powers.map((value) => value / sum);
  });
}
