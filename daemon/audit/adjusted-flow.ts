import type { CountingQuality } from '../../inference/counting-quality.ts';
import { type AdjustedCount, adjustedCounts } from './adjusted-counts.ts';

interface Flow {
  /** Null: all of the line. */
  readonly lane: string | null;
  readonly classes: Readonly<Record<string, number>>;
}

/**
 * What one flow of an interval comes to, adjusted. Null for a lane, which is too few to be worth the draws (10 ms each on a server), and where
 * two models spoke: who counted what is not kept.
 *
 * @param qualities of the models that spoke
 */
export function adjustedFlow(
  { lane, classes }: Flow,
  coverage: number,
  qualities: readonly (CountingQuality | null)[],
): Record<string, AdjustedCount> | null {
  const [quality, ...others] = qualities;
  if (lane !== null || others.length > 0 || quality === undefined || quality === null) return null;
  return adjustedCounts(classes, coverage, quality);
}
