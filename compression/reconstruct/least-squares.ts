import type { GramSession } from '../rounding/gram.ts';
import { inverseCholesky } from '../rounding/solve.ts';
import { centre, errorOf, type Products, productsOf } from './products.ts';

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

/** With fewer samples a column the pictures would be learnt by heart: how far to go is then tried on some held back. */
const AMPLE = 8;
const DAMPINGS = [1e-2, 1e-1, 1, 10, 100];

/**
 * argmin over W, b of |XW' + b - Y|^2 + lambda |W - W0|^2, in closed form:
 * W = W0 + ((X'X + lambda I)^-1 X'(Y - XW0'))' on centred data, b from the means (He 2017, equation 4).
 */
export async function leastSquares(problem: FitProblem, gram: GramSession): Promise<Fit> {
  const { x, y, samples, inputs, outputs, weights, bias } = problem;
  const meanX = centre(x, samples, inputs);
  const meanY = centre(y, samples, outputs);
  const sums = await productsOf(problem, 0, samples, gram);
  const damping = samples < AMPLE * inputs ? await chooseDamping(problem, gram) : problem.damping;
  const found = solved(sums, weights, damping);
  let offset = 0;
  for (let o = 0; o < outputs; o++) {
    let shift = bias[o]! - meanY[o]!;
    for (let i = 0; i < inputs; i++) shift += weights[o * inputs + i]! * meanX[i]!;
    offset += samples * shift * shift;
  }
  const variance = Math.max(sums.variance, 1e-12);
  return {
    weights: found,
    bias: Float64Array.from(meanY, (mean, o) => {
      let sum = mean;
      for (let i = 0; i < inputs; i++) sum -= found[o * inputs + i]! * meanX[i]!;
      return sum;
    }),
    before: (errorOf(sums, weights) + offset) / variance,
    after: errorOf(sums, found) / variance,
  };
}

/** The damping that serves the last quarter of the samples best, when solved from the others. */
async function chooseDamping(problem: FitProblem, gram: GramSession): Promise<number> {
  const { samples, weights, damping } = problem;
  const border = Math.floor((3 * samples) / 4);
  const seen = await productsOf(problem, 0, border, gram);
  const heldBack = await productsOf(problem, border, samples, gram);
  let [best, least] = [Number.POSITIVE_INFINITY, errorOf(heldBack, weights)];
  for (const each of [damping, ...DAMPINGS]) {
    const error = errorOf(heldBack, solved(seen, weights, each));
    if (error < least) [best, least] = [each, error];
  }
  return best;
}

function solved(sums: Products, weights: Float32Array, damping: number): Float32Array {
  const found = weights.slice();
  if (damping === Number.POSITIVE_INFINITY) return found;
  const { inputs, outputs, xx, xy } = sums;
  const damped = xx.slice();
  let trace = 0;
  for (let i = 0; i < inputs; i++) trace += xx[i * inputs + i]!;
  const lambda = (damping * trace) / inputs || 1;
  for (let i = 0; i < inputs; i++) damped[i * inputs + i]! += lambda;
  const factor = inverseCholesky(damped, inputs);
  if (factor === undefined) return found;
  /** X'(Y - XW0') of one output. */
  const missing = new Float64Array(inputs);
  for (let o = 0; o < outputs; o++) {
    const row = found.subarray(o * inputs, (o + 1) * inputs);
    for (let i = 0; i < inputs; i++) {
      let sum = xy[o * inputs + i]!;
      for (let j = 0; j < inputs; j++) sum -= xx[i * inputs + j]! * row[j]!;
      missing[i] = sum;
    }
    addSolution(factor, missing, inputs, row);
  }
  return found;
}

/** row += U'(U missing) where inverse(C) = U'U, U upper triangular. */
function addSolution(u: Float64Array, missing: Float64Array, size: number, row: Float32Array): void {
  const solution = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    let sum = 0;
    for (let j = i; j < size; j++) sum += u[i * size + j]! * missing[j]!;
    for (let j = i; j < size; j++) solution[j]! += sum * u[i * size + j]!;
  }
  for (let i = 0; i < size; i++) row[i]! += solution[i]!;
}
