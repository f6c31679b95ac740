import type { Histogram } from '../histogram.ts';
import { fullRange, type Range, STEPS } from './range.ts';

const CLIPS = 100;
const LEVELS = STEPS + 1;

/**
 * KL(P || Q) of a clip: P is what was seen with the clipped values on the outermost bins, Q what 256 levels keep of it,
 * each level's share spread over the bins of it that were not empty (S. Migacz, 8-bit inference with TensorRT, GTC 2017).
 */
function divergence(counts: Float64Array, from: number, to: number): number {
  const bins = to - from;
  const reference = counts.slice(from, to);
  const inside = counts.slice(from, to);
  for (let bin = 0; bin < from; bin++) reference[0]! += counts[bin]!;
  for (let bin = to; bin < counts.length; bin++) reference[bins - 1]! += counts[bin]!;
  let total = 0;
  let kept = 0;
  for (let bin = 0; bin < bins; bin++) {
    total += reference[bin]!;
    kept += inside[bin]!;
  }
  if (total === 0 || kept === 0) return Number.POSITIVE_INFINITY;

  let sum = 0;
  for (let level = 0; level < LEVELS; level++) {
    const first = Math.floor((level * bins) / LEVELS);
    const end = Math.floor(((level + 1) * bins) / LEVELS);
    let mass = 0;
    let filled = 0;
    for (let bin = first; bin < end; bin++) {
      mass += inside[bin]!;
      if (reference[bin]! > 0) filled++;
    }
    for (let bin = first; bin < end; bin++) {
      const p = reference[bin]! / total;
      if (p === 0) continue;
      // A level that holds clipped values only has no share of its own: half a value, not an infinite divergence.
      const q = Math.max(mass, 0.5) / filled / kept;
      sum += p * Math.log(p / q);
    }
  }
  return sum;
}

/**
 * The range whose 256 levels lose the least information about the distribution, both ends clipped by the same share.
 * Exact zeros are left out: they cost nothing and would drown the rest after a ReLU.
 *
 * @throws {WaysideError} CALIBRATION_INVALID when nothing was observed
 */
export function entropy(histogram: Histogram): Range {
  const full = fullRange(histogram);
  const { low, width, zeros } = histogram;
  const counts = histogram.counts.slice();
  const zeroBin = Math.round(-low / width);
  if (zeros > 0) counts[zeroBin]! -= zeros;

  const binOf = (value: number): number => Math.min(counts.length, Math.max(0, Math.round((value - low) / width)));
  let chosen = full;
  let least = Number.POSITIVE_INFINITY;
  for (let clip = CLIPS; clip >= 1; clip--) {
    const range = { min: (full.min * clip) / CLIPS, max: (full.max * clip) / CLIPS };
    const from = binOf(Math.floor(range.min / width) * width);
    const to = binOf(Math.ceil(range.max / width) * width);
    if (to - from < LEVELS) break; // fewer bins than levels: nothing would seem lost
    const loss = divergence(counts, from, to);
    if (loss < least) {
      least = loss;
      chosen = range;
    }
  }
  return chosen;
}
