import type { CountingQuality } from '../../inference/counting-quality.ts';
import { type AdjustedCount, adjustingCounts } from './adjusted-counts.ts';
import type { Sliced } from './sliced-work.ts';

interface Flow {
  /** Null: all of the line. */
  readonly lane: string | null;
  readonly classes: Readonly<Record<string, number>>;
}

/**
 * What one flow of an interval comes to, adjusted, in slices. Null for a lane, which is too few to be worth the draws (10 ms each on a server), and where
 * two models spoke: who counted what is not kept.
 *
 * @param qualities of the models that spoke
 */
export function* adjustingFlow(
  { lane, classes }: Flow,
  coverage: number,
  qualities: readonly (CountingQuality | null)[],
): Sliced<Record<string, AdjustedCount> | null> {
  const [quality, ...others] = qualities;
  if (lane !== null || others.length > 0 || quality === undefined || quality === null) return null;
  return yield* adjustingCounts(classes, coverage, quality);
}
