import type { Image } from './grid.ts';

/** Pixels read at most: whole rows of them, evenly spaced. */
const MOST_PIXELS = 16_000;
/** Between the two means whose difference is an edge, pixels, centre to centre: a blur of half of it (sigma) leaves two thirds of a step. */
const SPAN = 16;
/** Pixels of each mean: noise of one pixel is halved. */
const MEAN = 4;
/** Of 255 over the span: five times what the noise of a sensor at night (sigma 4) leaves of itself. */
const LEAST_STEP = 16;
/** A row is looked at in pieces of so many pixels, each by its strongest edge: wide enough for a mast that sways. */
const PIECE = 32;

/** Of each piece of the rows that were read: how much of its strongest edge lies between two pixels (0 to 1), and the edge's whole step. */
export interface Steepness {
  readonly share: Float32Array;
  /** 0 where there is no edge. */
  readonly step: Float32Array;
}

/** Both parts of a share grow alike with contrast: fog, dusk and exposure leave it alone, a lens out of focus does not. */
export function steepnessOf({ width, height, data }: Image): Steepness {
  const rows = Math.max(1, Math.min(height, Math.floor(MOST_PIXELS / width)));
  const pieces = Math.ceil(width / PIECE);
  const found = { share: new Float32Array(rows * pieces), step: new Float32Array(rows * pieces) };
  const sums = new Int32Array(width + 1);
  for (let row = 0; row < rows; row++) {
    const start = Math.floor(((row + 0.5) * height) / rows) * width * 3 + 1; // green: nearest to luma, and finest on a sensor
    for (let x = 0; x < width; x++) sums[x + 1] = sums[x]! + data[start + 3 * x]!;
    readRow(sums, width, row * pieces, found);
  }
  return found;
}

/** @param sums of the row's pixels before each */
function readRow(sums: Int32Array, width: number, first: number, { share, step }: Steepness): void {
  const reach = (SPAN + MEAN) / 2;
  let [sign, largest, where] = [0, 0, 0];
  for (let x = reach; x <= width - reach; x++) {
    const after = sums[x + reach]! - sums[x + reach - MEAN]!;
    const before = sums[x - reach + MEAN]! - sums[x - reach]!;
    const difference = (after - before) / MEAN;
    const now = x === width - reach ? 0 : difference >= LEAST_STEP ? 1 : difference <= -LEAST_STEP ? -1 : 0;
    if (now !== sign) {
      const piece = first + Math.floor(where / PIECE);
      if (sign !== 0 && largest > step[piece]!) {
        step[piece] = largest;
        share[piece] = Math.min(1, steepest(sums, where, sign) / largest);
      }
      [sign, largest] = [now, 0];
    }
    if (now * difference > largest) [largest, where] = [now * difference, x];
  }
}

/** Within the span: of a thin post the step is largest where nothing is steep, half of the span beside it. */
function steepest(sums: Int32Array, where: number, sign: number): number {
  let most = 0;
  for (let x = where - SPAN / 2; x < where + SPAN / 2; x++) {
    const between = sums[x + 2]! - sums[x + 1]! - sums[x]! + sums[x - 1]!; // the pixel after less the one before
    most = Math.max(most, sign * between);
  }
  return most;
}
