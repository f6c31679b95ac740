import { WaysideError } from '../core/errors.ts';
import { randomFeeds } from '../inference/latency.ts';
import type { Preprocessing } from '../inference/preprocess.ts';
import { floatsOf, openSession, type Session } from '../inference/session.ts';
import type { Model } from '../onnx/graph.ts';
import { encodeModel } from '../onnx/write.ts';

/**
 * Relative to the spread of the scores. Folding changes the order of float32 operations only: over 56 layers that
 * gave 2e-6.
 */
const TOLERANCE = 1e-4;

/**
 * Proves on one input that folding has not changed what the model computes.
 *
 * @returns the largest difference of a score as a share of their spread
 * @throws {WaysideError} PARITY_FAILED
 */
export async function requireParity(
  original: Session,
  folded: Model,
  { size }: Pick<Preprocessing, 'size'>,
): Promise<number> {
  const { feeds } = randomFeeds(original, size);
  const { name } = original.output;
  const expected = floatsOf(await original.run(feeds, { outputs: [name] }), name);
  const session = await openSession(encodeModel(folded), { threads: 1 });
  try {
    const got = floatsOf(await session.run(feeds, { outputs: [name] }), name);
    const difference = largestDifference(expected, got);
    if (difference <= TOLERANCE) return difference;
    throw new WaysideError('PARITY_FAILED', {
      message: `the folded model differs from the original by ${difference.toPrecision(3)} of its scores' spread`,
      hint: 'this is a fault in Wayside: report it with the model',
    });
  } finally {
    await session.close();
  }
}

/** NaN counts as infinitely different. */
export function largestDifference(expected: Float32Array, got: Float32Array): number {
  if (expected.length !== got.length) return Number.POSITIVE_INFINITY;
  let most = 0;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(expected[i]! - got[i]!);
    if (!(difference <= most)) most = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    low = Math.min(low, expected[i]!);
    high = Math.max(high, expected[i]!);
  }
  return most / Math.max(high - low, 1e-6);
}
