import type { GramSession } from '../../rounding/gram.ts';

/** Sums of products of centred samples. */
export interface Products {
  readonly inputs: number;
  readonly outputs: number;
  /** X'X, `[inputs, inputs]` */
  readonly xx: Float64Array;
  /** Y'X, `[outputs, inputs]` */
  readonly xy: Float64Array;
  /** |Y|^2 */
  readonly variance: number;
}

interface Samples {
  /** `[samples, inputs]` */
  readonly x: Float32Array;
  /** `[samples, outputs]` */
  readonly y: Float32Array;
  readonly inputs: number;
  readonly outputs: number;
}

/** Rows at a time: sums in float32 stay short, and the joined copy small. */
const ROWS = 1024;

/** Sums over the samples `begin` to `end`, by one product [X Y]'[X Y]. */
export async function productsOf(
  { x, y, inputs, outputs }: Samples,
  begin: number,
  end: number,
  gram: GramSession,
): Promise<Products> {
  const size = inputs + outputs;
  const sum = new Float32Array(size * size);
  const joined = new Float32Array(Math.min(ROWS, end - begin) * size);
  for (let from = begin; from < end; from += ROWS) {
    const count = Math.min(ROWS, end - from);
    for (let r = 0; r < count; r++) {
      joined.set(x.subarray((from + r) * inputs, (from + r + 1) * inputs), r * size);
      joined.set(y.subarray((from + r) * outputs, (from + r + 1) * outputs), r * size + inputs);
    }
    await gram.addTo(sum, joined, count, size);
  }
  const xx = new Float64Array(inputs * inputs);
  const xy = new Float64Array(outputs * inputs);
  let variance = 0;
  // Sums are on and above the diagonal.
  for (let i = 0; i < inputs; i++) {
    const line = i * size;
    for (let j = i; j < inputs; j++) xx[i * inputs + j] = xx[j * inputs + i] = sum[line + j]!;
    for (let o = 0; o < outputs; o++) xy[o * inputs + i] = sum[line + inputs + o]!;
  }
  for (let o = inputs; o < size; o++) variance += sum[o * size + o]!;
  return { inputs, outputs, xx, xy, variance };
}

/** |XW' - Y|^2 @param weights `[outputs, inputs]` */
export function errorOf({ inputs, outputs, xx, xy, variance }: Products, weights: Float32Array): number {
  let error = variance;
  for (let o = 0; o < outputs; o++) {
    const row = weights.subarray(o * inputs, (o + 1) * inputs);
    for (let i = 0; i < inputs; i++) {
      let line = -2 * xy[o * inputs + i]!;
      for (let j = 0; j < inputs; j++) line += xx[i * inputs + j]! * row[j]!;
      error += line * row[i]!;
    }
  }
  return error;
}

/** Subtracts the mean of every column and returns the means. */
export function centre(values: Float32Array, rows: number, columns: number): Float64Array {
  const means = new Float64Array(columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) means[c]! += values[r * columns + c]!;
  for (let c = 0; c < columns; c++) means[c]! /= rows;
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) values[r * columns + c]! -= means[c]!;
  return means;
}

/** X'X + lambda I, lambda a share of the mean of the diagonal. */
export function dampedMatrix(xx: Float64Array, size: number, damping: number): Float64Array {
  const damped = xx.slice();
  let trace = 0;
  for (let i = 0; i < size; i++) trace += xx[i * size + i]!;
  const lambda = (damping * trace) / size || 1;
  for (let i = 0; i < size; i++) damped[i * size + i]! += lambda;
  return damped;
}
