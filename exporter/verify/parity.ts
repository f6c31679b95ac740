import { openGraph } from '../../calibration/graph-session.ts';
import { WaysideError } from '../../core/errors.ts';
import { randomFeeds } from '../../inference/latency.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { type Feeds, floatsOf, floatTensor, type Results, type Session } from '../../inference/session.ts';
import type { Model } from '../../onnx/graph.ts';

/**
 * Relative to the largest answer. Folding changes the order of float32 operations only: over 56 layers that gave 2e-6. The spread of the
 * answers was taken for the measure once: a model of one score has none, nor has one that is nearly sure of nothing.
 */
const TOLERANCE = 1e-4;

/** A change of the input in the last bit or two that float32 has. */
const ROUNDING = 2 ** -22;

/** Every operation rounds, the input is rounded once: what its rounding does to the answers is less than what all do. */
const ROUNDINGS = 16;

/**
 * Proves on one input that folding has not changed what the model computes: every float output differs by no more than a ten-thousandth of
 * the largest value in it, or by what rounding does to it where it is a small difference of large values.
 *
 * @returns the largest difference of a value as a share of the largest in its output
 * @throws {WaysideError} PARITY_FAILED
 */
export async function requireParity(
  original: Session,
  folded: Model,
  { size }: Pick<Preprocessing, 'size'>,
): Promise<number> {
  const { feeds } = randomFeeds(original, size);
  const names = original.outputs.flatMap(({ name, type }) => (type === 'float32' ? [name] : []));
  const expected = await original.run(feeds, { outputs: names });
  const session = await openGraph(folded, { threads: 1 });
  try {
    const difference = mostOf(names, expected, await session.run(feeds, { outputs: names }));
    if (difference <= TOLERANCE) return difference;
    const rounding = mostOf(names, expected, await original.run(rounded(feeds), { outputs: names }));
    if (difference <= ROUNDINGS * rounding) return difference;
    throw new WaysideError('PARITY_FAILED', {
      message: `the folded model differs from the original by ${difference.toPrecision(3)} of its largest answer, where rounding explains ${rounding.toPrecision(3)}`,
      hint: 'this is a fault in Wayside: report it with the model',
    });
  } finally {
    await session.close();
  }
}

const mostOf = (names: readonly string[], expected: Results, got: Results): number =>
  names.reduce((most, name) => Math.max(most, largestDifference(floatsOf(expected, name), floatsOf(got, name))), 0);

/** Every other value a little larger, the others a little smaller. */
function rounded(feeds: Feeds): Feeds {
  const changed = Object.entries(feeds).map(([name, { data, dims }]) => {
    const values = Float32Array.from(
      data as Float32Array,
      (value, i) => value * (1 + (i % 2 === 0 ? 1 : -1) * ROUNDING),
    );
    return [name, floatTensor(values, dims)] as const;
  });
  return Object.fromEntries(changed);
}

/**
 * As a share of the largest magnitude expected. NaN, or an infinity, is infinitely different from anything but itself: noise may upset a
 * model that real images do not.
 */
export function largestDifference(expected: Float32Array, got: Float32Array): number {
  if (expected.length !== got.length) return Number.POSITIVE_INFINITY;
  let [most, largest] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [y, z] = [expected[i]!, got[i]!];
    if (Object.is(y, z)) continue;
    const difference = Math.abs(y - z);
    if (!Number.isFinite(difference)) return Number.POSITIVE_INFINITY;
    most = Math.max(most, difference);
  }
  for (const y of expected) if (Number.isFinite(y)) largest = Math.max(largest, Math.abs(y));
  return most === 0 ? 0 : most / Math.max(largest, 1e-30);
}
