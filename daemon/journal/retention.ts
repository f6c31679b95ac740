import type { Segment } from './opening.ts';

/** How much is kept, and how it is cut into segments. */
export interface Retention {
  /** Of all segments. */
  readonly quotaBytes: number;
  /** How long what is acknowledged stays. */
  readonly keepMs: number;
  readonly segmentBytes: number;
  /** A segment is closed at this age: only whole ones can be removed. */
  readonly segmentMs: number;
}

const DAY_MS = 86_400_000;

/** A sixteenth of the quota a segment: so much is given up at once when it overflows. */
export const retentionOf = (quotaBytes: number, keepDays: number): Retention => ({
  quotaBytes,
  keepMs: keepDays * DAY_MS,
  segmentBytes: Math.min(4 * 1024 * 1024, Math.floor(quotaBytes / 16)),
  segmentMs: DAY_MS,
});

export interface GivenUp {
  /** The oldest ones. */
  readonly segments: readonly Segment[];
  /** Everything up to this number is settled by it, and so many messages of all. */
  readonly settledTo: number;
  readonly settled: number;
}

/**
 * Which segments a new one takes the place of: oldest first, those whose messages are all acknowledged and old enough, and, acknowledged
 * or not, those beyond the quota. The newest stays.
 */
export function givenUp(
  segments: readonly Segment[],
  { quotaBytes, keepMs, segmentBytes, now, acknowledged }: Retention & { now: number; acknowledged: number },
): GivenUp | undefined {
  let total = segments.reduce((sum, { bytes }) => sum + bytes, segmentBytes);
  let count = 0;
  for (const [position, { bytes }] of segments.slice(0, -1).entries()) {
    const after = segments.slice(position + 1).find(({ header }) => header !== undefined)?.header;
    if (after === undefined) break;
    const expired = after.first - 1 <= acknowledged && now - Date.parse(after.at) > keepMs;
    if (total <= quotaBytes && !expired) break;
    total -= bytes;
    count = position + 1;
  }
  const after = segments.slice(count).find(({ header }) => header !== undefined)?.header;
  if (count === 0 || after === undefined) return undefined;
  return { segments: segments.slice(0, count), settledTo: after.first - 1, settled: after.messages };
}
