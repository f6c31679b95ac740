import type { GramSession } from '../rounding/gram.ts';
import { inverseCholesky } from '../rounding/solve.ts';

export interface Fit {
  /** `[outputs, inputs]` */
  readonly weights: Float32Array;
  readonly bias: Float64Array;
  /** Mean squared error of the outputs as a share of their variance, with the weights given and with those found. */
  readonly before: number;
  readonly after: number;
}

export interface FitProblem {
  /** `[samples, inputs]`; centred in place. */
  readonly x: Float32Array;
  /** `[samples, outputs]`; centred in place. */
  readonly y: Float32Array;
  readonly samples: number;
  readonly inputs: number;
  readonly outputs: number;
  /** `[outputs, inputs]`: where the search starts, and what little evidence leaves unchanged. */
  readonly weights: Float32Array;
  readonly bias: Float64Array;
  /** Share of the mean variance of an input added to each: pulls towards `weights`. */
  readonly damping: number;
}

/**
 * argmin over W, b of |XW' + b - Y|^2 + lambda |W - W0|^2, in closed form:
 * W = W0 + ((X'X + lambda I)^-1 X'(Y - XW0'))' on centred data, b from the means (He 2017, equation 4).
 */
export async function fit(problem: FitProblem, gram: GramSession): Promise<Fit> {
  const { x, y, samples, inputs, outputs, weights, bias, damping } = problem;
  const meanX = centre(x, samples, inputs);
  const meanY = centre(y, samples, outputs);
  const size = inputs + outputs;
  const products = await productsOf(x, y, samples, inputs, outputs, gram);
  const matrix = new Float64Array(inputs * inputs);
  let trace = 0;
  for (let i = 0; i < inputs; i++) {
    trace += products[i * size + i]!;
    for (let j = 0; j < inputs; j++) matrix[i * inputs + j] = products[i * size + j]!;
  }
  /** X'(Y - XW0'), `[outputs, inputs]` */
  const missing = new Float64Array(outputs * inputs);
  let variance = 0;
  let offset = 0;
  for (let o = 0; o < outputs; o++) {
    variance += products[(inputs + o) * size + inputs + o]!;
    let shift = bias[o]! - meanY[o]!;
    for (let i = 0; i < inputs; i++) {
      let sum = products[i * size + inputs + o]!;
      const row = weights.subarray(o * inputs, (o + 1) * inputs);
      for (let j = 0; j < inputs; j++) sum -= matrix[i * inputs + j]! * row[j]!;
      missing[o * inputs + i] = sum;
      shift += row[i]! * meanX[i]!;
    }
    offset += samples * shift * shift;
  }
  const errorOf = (w: Float32Array): number => {
    let sum = 0;
    for (let o = 0; o < outputs; o++) {
      const row = w.subarray(o * inputs, (o + 1) * inputs);
      sum += products[(inputs + o) * size + inputs + o]!;
      for (let i = 0; i < inputs; i++) {
        let line = -2 * products[i * size + inputs + o]!;
        for (let j = 0; j < inputs; j++) line += matrix[i * inputs + j]! * row[j]!;
        sum += line * row[i]!;
      }
    }
    return sum;
  };
  const before = (errorOf(weights) + offset) / Math.max(variance, 1e-12);
  const damped = matrix.slice();
  const lambda = (damping * trace) / inputs || 1;
  for (let i = 0; i < inputs; i++) damped[i * inputs + i]! += lambda;
  const factor = inverseCholesky(damped, inputs);
  const found = weights.slice();
  if (factor !== undefined) addSolutions(factor, missing, inputs, outputs, found);
  const bias2 = Float64Array.from(meanY, (mean, o) => {
    let sum = mean;
    for (let i = 0; i < inputs; i++) sum -= found[o * inputs + i]! * meanX[i]!;
    return sum;
  });
  return { weights: found, bias: bias2, before, after: errorOf(found) / Math.max(variance, 1e-12) };
}

/** found[o] += U'(U missing[o]) where inverse(C) = U'U, U upper triangular. */
function addSolutions(u: Float64Array, missing: Float64Array, size: number, rows: number, found: Float32Array): void {
  const middle = new Float64Array(size);
  const solution = new Float64Array(size);
  for (let o = 0; o < rows; o++) {
    const b = missing.subarray(o * size, (o + 1) * size);
    solution.fill(0);
    for (let i = 0; i < size; i++) {
      let sum = 0;
      for (let j = i; j < size; j++) sum += u[i * size + j]! * b[j]!;
      middle[i] = sum;
      for (let j = i; j < size; j++) solution[j]! += sum * u[i * size + j]!;
    }
    for (let i = 0; i < size; i++) found[o * size + i]! += solution[i]!;
  }
}

/** Subtracts the mean of every column and returns the means. */
function centre(values: Float32Array, rows: number, columns: number): Float64Array {
  const means = new Float64Array(columns);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) means[c]! += values[r * columns + c]!;
  for (let c = 0; c < columns; c++) means[c]! /= rows;
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) values[r * columns + c]! -= means[c]!;
  return means;
}

/** Rows at a time: sums in float32 stay short, and the joined copy small. */
const ROWS = 1024;

/** [X Y]'[X Y] */
async function productsOf(
  x: Float32Array,
  y: Float32Array,
  samples: number,
  inputs: number,
  outputs: number,
  gram: GramSession,
): Promise<Float32Array> {
  const size = inputs + outputs;
  const sum = new Float32Array(size * size);
  const joined = new Float32Array(Math.min(ROWS, samples) * size);
  for (let from = 0; from < samples; from += ROWS) {
    const count = Math.min(ROWS, samples - from);
    for (let r = 0; r < count; r++) {
      joined.set(x.subarray((from + r) * inputs, (from + r + 1) * inputs), r * size);
      joined.set(y.subarray((from + r) * outputs, (from + r + 1) * outputs), r * size + inputs);
    }
    await gram.addTo(sum, joined, count, size);
  }
  return sum;
}
