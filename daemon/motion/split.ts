/** A valley between two peaks is a gap where it is so much lower than the lower one, */
const VALLEY = 0.4;
/** over more columns than this share of that one's height: a post before a bus is narrower. */
const WIDTH = 0.1;
/** Columns of a part at least. */
const NARROWEST = 3;

/**
 * Where things that are side by side part: the valleys of how many pixels are marked in each column. People are joined by their shadows and by the
 * air between them, which is low; of a vehicle no column is.
 *
 * @param profile by column
 * @returns columns at which a new thing begins, rising
 */
export function gapsIn(profile: Int32Array, columns: number): number[] {
  const gaps: number[] = [];
  let [peak, begun, from, to] = [0, 0, -1, -1];
  for (let x = 0; x < columns; x++) {
    const height = profile[x]!;
    if (from < 0) peak = Math.max(peak, height);
    if (height < VALLEY * peak) {
      if (from < 0) from = x;
      to = x + 1;
      continue;
    }
    if (from < 0) continue;
    // Up again: if what follows rises as high as the valley demands, there was a gap.
    const next = highestFrom(profile, x, columns);
    const lower = Math.min(peak, next);
    if (lowestIn(profile, from, to) < VALLEY * lower && to - from > WIDTH * lower && columns - to >= NARROWEST) {
      const middle = (from + to) >> 1;
      if (middle - begun >= NARROWEST) {
        gaps.push(middle);
        begun = middle;
        peak = height;
      }
    }
    peak = Math.max(peak, height);
    from = -1;
  }
  return gaps;
}

function highestFrom(profile: Int32Array, from: number, to: number): number {
  let highest = 0;
  for (let x = from; x < to; x++) highest = Math.max(highest, profile[x]!);
  return highest;
}

function lowestIn(profile: Int32Array, from: number, to: number): number {
  let lowest = profile[from]!;
  for (let x = from + 1; x < to; x++) lowest = Math.min(lowest, profile[x]!);
  return lowest;
}
