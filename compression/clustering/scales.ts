import type { NearestCode } from './nearest.ts';

/** A layer's weights as rows of one output channel each, `[rows, columns]`, and how much each column matters. */
export interface WeightRows {
  readonly weights: Float32Array;
  readonly rows: number;
  readonly columns: number;
  /**
   * `[groups, columns]`: second moments of the inputs the columns meet; rows are divided evenly among the groups.
   * All ones where nothing is known.
   */
  readonly importance: Float64Array;
}

export function importanceOfRow({ importance, rows, columns }: WeightRows, row: number): Float64Array {
  const groups = importance.length / columns;
  const group = Math.floor((row * groups) / rows);
  return importance.subarray(group * columns, (group + 1) * columns);
}

/** Scales that map the largest weight of each row to the largest code. 1 for a row of zeros, as a scale must be positive. */
export function absmaxScales({ weights, rows, columns }: WeightRows, largestCode: number): Float32Array {
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    let most = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) most = Math.max(most, Math.abs(weights[i]!));
    // Denormal scales lose all precision when the runtime multiplies them by the activation's scale.
    scales[row] = most > 1e-30 ? most / largestCode : 1;
  }
  return scales;
}

/** Weights between two looks at the sum: half a cache line of them costs a compare. */
const LOOK = 32;

/** Sum over a row of h (w - scale * code)^2, or a part of it that is no less than `most`: then no more is worth knowing. */
function rowError(
  rows: WeightRows,
  row: number,
  scale: number,
  nearest: NearestCode,
  h: Float64Array,
  most: number,
): number {
  const { weights, columns } = rows;
  const start = row * columns;
  const inverse = 1 / scale;
  let error = 0;
  for (let from = 0; from < columns && !(error >= most); from += LOOK) {
    const to = Math.min(columns, from + LOOK);
    for (let i = from; i < to; i++) {
      const w = weights[start + i]!;
      const difference = w - scale * nearest.of(w * inverse);
      error += h[i]! * difference * difference;
    }
  }
  return error;
}

/** Steps of 2.5% around the present scale; the error is not convex in the scale, so every step is tried. */
const STEPS = Array.from({ length: 33 }, (_, i) => 1.025 ** (i - 20));

/** From as many columns on a row is put into bins first: below, trying every step on every weight is as quick. */
const WIDE = 1024;
/** 8 to 16 a code of 8 bits: a weight is taken for its neighbour only next to the border of two codes, where either errs alike. */
const BINS = 2048;

/**
 * For each row the scale, near the present one, whose nearest codes leave the least weighted error: clipping a few large
 * weights often buys precision for all others. Never worse than the scales given, as far as bins can tell in wide rows.
 */
export function searchScales(rows: WeightRows, scales: Float32Array, nearest: NearestCode): Float32Array {
  return scales.map((_, row) => searchScale(rows, row, scales, nearest));
}

/** The same of one row. */
export function searchScale(rows: WeightRows, row: number, scales: Float32Array, nearest: NearestCode): number {
  const h = importanceOfRow(rows, row);
  const scale = scales[row]!;
  const errorOf =
    rows.columns > WIDE
      ? binnedError(rows, row, nearest, h)
      : (tried: number, most: number): number => rowError(rows, row, tried, nearest, h, most);
  let best = scale;
  let least = errorOf(scale, Number.POSITIVE_INFINITY);
  for (const step of STEPS) {
    const error = errorOf(scale * step, least);
    if (error < least) {
      least = error;
      best = scale * step;
    }
  }
  return best;
}

/**
 * The error of a row for any scale from sums over bins of its weights: with c the code of a bin,
 * h (w - s c)^2 = h w^2 - 2 s c h w + s^2 c^2 h. One look at each weight instead of one a step: 14 times quicker at 25,088 columns.
 */
function binnedError({ weights, columns }: WeightRows, row: number, nearest: NearestCode, h: Float64Array) {
  const start = row * columns;
  let reach = 0;
  for (let i = 0; i < columns; i++) reach = Math.max(reach, Math.abs(weights[start + i]!));
  const perUnit = reach > 0 ? BINS / (2 * reach) : 0;
  const binOf = (value: number): number => Math.max(0, Math.min(BINS, Math.floor((value + reach) * perUnit)));
  /** Sums of h and h w below a bin. */
  const mass = new Float64Array(BINS + 2);
  const first = new Float64Array(BINS + 2);
  let second = 0;
  for (let i = 0; i < columns; i++) {
    const w = weights[start + i]!;
    const bin = binOf(w) + 1;
    mass[bin]! += h[i]!;
    first[bin]! += h[i]! * w;
    second += h[i]! * w * w;
  }
  for (let bin = 1; bin < mass.length; bin++) {
    mass[bin]! += mass[bin - 1]!;
    first[bin]! += first[bin - 1]!;
  }
  const { codes } = nearest;
  return (scale: number): number => {
    let error = second;
    let from = 0;
    for (let c = 0; c < codes.length; c++) {
      const code = scale * codes[c]!;
      const to = c + 1 < codes.length ? binOf((scale * (codes[c]! + codes[c + 1]!)) / 2) : BINS + 1;
      error += code * code * (mass[to]! - mass[from]!) - 2 * code * (first[to]! - first[from]!);
      from = to;
    }
    return error;
  };
}
