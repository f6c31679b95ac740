import type { Histogram } from '../histogram.ts';
import { fullRange, type Range } from './range.ts';

interface PercentileOptions {
  /** Share of the values kept, percent. @default 99.999 */
  readonly percentile?: number;
}

/** The value below which `count` of the values lie; values are taken as spread evenly inside a bin. */
function valueAt({ counts, low, width }: Histogram, count: number): number {
  let below = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    const here = counts[bin]!;
    if (here > 0 && below + here >= count) return low + (bin + (count - below) / here) * width;
    below += here;
  }
  return low + counts.length * width;
}

/**
 * Leaves out the outermost values: all of them at the open end where zero bounds the other, half at each end otherwise.
 *
 * @throws {WaysideError} CALIBRATION_INVALID when nothing was observed
 */
export function percentile(histogram: Histogram, { percentile: kept = 99.999 }: PercentileOptions = {}): Range {
  const full = fullRange(histogram);
  const dropped = histogram.total * (1 - kept / 100);
  const ends = full.min < 0 && full.max > 0 ? 2 : 1;
  const low = valueAt(histogram, dropped / ends);
  const high = valueAt(histogram, histogram.total - dropped / ends);
  return { min: Math.min(0, Math.max(full.min, low)), max: Math.max(0, Math.min(full.max, high)) };
}
