import type { Crossing, Direction } from './line-counter.ts';

/** What crossed one line in one direction during an interval, of one class. */
interface IntervalCount {
  readonly line: string;
  readonly direction: Direction;
  readonly class: string;
  readonly count: number;
}

interface CountedInterval {
  /** s. */
  readonly from: number;
  readonly to: number;
  /** Share of it that was seen, 0 to 1. */
  readonly coverage: number;
  readonly counts: readonly IntervalCount[];
}

interface IntervalOptions {
  readonly classes: readonly string[];
  readonly intervalSeconds: number;
  /** How long was looked, from 0 on, s. */
  readonly seconds: number;
  /** What of it was seen, s. @default all of it */
  readonly seen?: readonly { readonly from: number; readonly to: number }[];
}

/** Crossings by even intervals, line, direction and class. What is not listed did not cross; the last interval may have been seen in part. */
export function countIntervals(
  crossings: readonly Crossing[],
  { classes, intervalSeconds, seconds, seen = [{ from: 0, to: seconds }] }: IntervalOptions,
): CountedInterval[] {
  return Array.from({ length: Math.max(1, Math.ceil(seconds / intervalSeconds)) }, (_, i) => {
    const [from, to] = [i * intervalSeconds, (i + 1) * intervalSeconds];
    const last = to >= seconds;
    const inside = crossings.filter(({ time }) => time >= from && (time < to || last));
    const seenSeconds = seen.reduce(
      (sum, each) => sum + Math.max(0, Math.min(each.to, to) - Math.max(each.from, from)),
      0,
    );
    return { from, to, coverage: Math.min(1, seenSeconds / intervalSeconds), counts: countsOf(inside, classes) };
  });
}

/** Crossings by line, direction and class, in the order in which they first occur. */
function countsOf(crossings: readonly Crossing[], classes: readonly string[]): IntervalCount[] {
  const counts = new Map<string, IntervalCount>();
  for (const { line, direction, classIndex } of crossings) {
    const name = classes[classIndex] ?? `class ${classIndex}`;
    const key = JSON.stringify([line, direction, name]);
    counts.set(key, { line, direction, class: name, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()];
}
