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

/** Sum over a row of h (w - scale * code)^2. */
function rowError(rows: WeightRows, row: number, scale: number, nearest: NearestCode, h: Float64Array): number {
  const { weights, columns } = rows;
  const start = row * columns;
  const inverse = 1 / scale;
  let error = 0;
  for (let i = 0; i < columns; i++) {
    const w = weights[start + i]!;
    const difference = w - scale * nearest.of(w * inverse);
    error += h[i]! * difference * difference;
  }
  return error;
}

/** Steps of 2.5% around the present scale; the error is not convex in the scale, so every step is tried. */
const STEPS = Array.from({ length: 33 }, (_, i) => 1.025 ** (i - 20));

/**
 * For each row the scale, near the present one, whose nearest codes leave the least weighted error: clipping a few large
 * weights often buys precision for all others. Never worse than the scales given.
 */
export function searchScales(rows: WeightRows, scales: Float32Array, nearest: NearestCode): Float32Array {
  return scales.map((scale, row) => {
    const h = importanceOfRow(rows, row);
    let best = scale;
    let least = rowError(rows, row, scale, nearest, h);
    for (const step of STEPS) {
      const error = rowError(rows, row, scale * step, nearest, h);
      if (error < least) {
        least = error;
        best = scale * step;
      }
    }
    return best;
  });
}
