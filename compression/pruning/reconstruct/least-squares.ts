import { inverseCholesky } from '../../rounding/solve.ts';
import { fewSamplesMeans } from './few-samples.ts';
import type { Algebra, FitProblem, Means } from './fit-problem.ts';
import { centre, dampedMatrix, errorOf, type Products, productsOf } from './products.ts';
import { wideMeans } from './wide-products.ts';

interface Fit {
  /** `[outputs, inputs]` */
  readonly weights: Float32Array;
  readonly bias: Float64Array;
  /** Mean squared error of the outputs as a share of their variance, with the weights given and with those found. */
  readonly before: number;
  readonly after: number;
}

/** With fewer samples a column the images would be learnt by heart: how far to go is then tried on some held back. */
const AMPLE = 8;
const DAMPINGS = [1e-2, 1e-1, 1, 10, 100];

/**
 * Inputs and outputs up to which loops do: 576 and 64 are the widest layer of a CIFAR ResNet, done in 0.2 s. A layer of 2,048 inputs took
 * half a minute in loops, and takes 1 s in products.
 */
const NARROW = 640;

const narrowMeans = (problem: FitProblem, { gram }: Algebra): Means<Products> => ({
  sums: (begin, end) => productsOf(problem, begin, end, gram),
  whole: () => productsOf(problem, 0, problem.samples, gram),
  error: (sums, found) => Promise.resolve(errorOf(sums, found)),
  solve: (sums, damping) => Promise.resolve(solved(sums, problem.weights, damping)),
});

/**
 * argmin over W, b of |XW' + b - Y|^2 + lambda |W - W0|^2, in closed form:
 * W = W0 + ((X'X + lambda I)^-1 X'(Y - XW0'))' on centred data, b from the means (He 2017, equation 4).
 *
 * @throws {WaysideError} SESSION_RUN; AbortError when `signal` aborts
 */
export function leastSquares(problem: FitProblem, algebra: Algebra): Promise<Fit> {
  const { samples, inputs, outputs } = problem;
  if (inputs + outputs <= NARROW) return fitted(problem, narrowMeans(problem, algebra), algebra.signal);
  if (samples < inputs) return fitted(problem, fewSamplesMeans(problem, algebra), algebra.signal);
  return fitted(problem, wideMeans(problem, algebra), algebra.signal);
}

async function fitted<Sums extends { readonly variance: number }>(
  problem: FitProblem,
  means: Means<Sums>,
  signal: AbortSignal | undefined,
): Promise<Fit> {
  const { x, y, samples, inputs, outputs, weights, bias } = problem;
  const meanX = centre(x, samples, inputs);
  const meanY = centre(y, samples, outputs);
  const scarce = samples < AMPLE * inputs;
  const border = scarce ? Math.floor((3 * samples) / 4) : samples;
  const seen = await means.sums(0, border);
  const heldBack = scarce ? await means.sums(border, samples) : undefined;
  const sums = heldBack === undefined ? seen : await means.whole(seen, heldBack);
  const damping =
    heldBack === undefined ? problem.damping : await chooseDamping(problem, means, seen, heldBack, signal);
  const found = damping === Number.POSITIVE_INFINITY ? weights.slice() : await means.solve(sums, damping);
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
    before: ((await means.error(sums, weights)) + offset) / variance,
    after: (await means.error(sums, found)) / variance,
  };
}

/**
 * The damping that serves the last quarter of the samples best, when solved from the others; none at all where all do harm. Its error first
 * falls with the damping and then rises: from the middle of the range downhill, three or four of six are tried.
 */
async function chooseDamping<Sums extends { readonly variance: number }>(
  { weights, damping }: FitProblem,
  means: Means<Sums>,
  seen: Sums,
  heldBack: Sums,
  signal: AbortSignal | undefined,
): Promise<number> {
  const dampings = [damping, ...DAMPINGS].sort((a, b) => a - b);
  const errors = new Map<number, number>();
  const errorAt = async (place: number): Promise<number> => {
    const each = dampings[place];
    if (each === undefined) return Number.POSITIVE_INFINITY;
    signal?.throwIfAborted();
    const error = errors.get(place) ?? (await means.error(heldBack, await means.solve(seen, each)));
    errors.set(place, error);
    return error;
  };
  let best = dampings.length >> 1;
  for (const step of [-1, 1]) while ((await errorAt(best + step)) < (await errorAt(best))) best += step;
  return (await errorAt(best)) < (await means.error(heldBack, weights)) ? dampings[best]! : Number.POSITIVE_INFINITY;
}

function solved(sums: Products, weights: Float32Array, damping: number): Float32Array {
  const found = weights.slice();
  const { inputs, outputs, xx, xy } = sums;
  const factor = inverseCholesky(dampedMatrix(xx, inputs, damping), inputs);
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
