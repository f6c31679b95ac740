import type { Matrix, MatrixProducts } from '../../linear-algebra/products.ts';
import { solveRows } from '../../linear-algebra/solve.ts';
import type { Algebra, FitProblem, Means } from './fit-problem.ts';
import { dampedMatrix } from './products.ts';
import { change } from './wide-products.ts';

/** The samples themselves, and what the weights given leave of their outputs. */
interface Samples {
  /** X, `[samples, inputs]` */
  readonly x: Matrix<Float64Array>;
  /** E' = (Y - X W0')', `[outputs, samples]` */
  readonly missing: Matrix<Float64Array>;
  readonly variance: number;
}

/**
 * Least squares with fewer samples than inputs, such as the classifier behind some hundred photographs, by way of the samples' own products:
 * (X'X + lambda I)^-1 X'E = X'(XX' + lambda I)^-1 E. What is solved is as large as their number.
 */
export const fewSamplesMeans = (problem: FitProblem, { products, signal }: Algebra): Means<Samples> => ({
  sums: (begin, end) => samplesOf(problem, begin, end, products),
  whole: () => samplesOf(problem, 0, problem.samples, products),
  error: (samples, weights) => errorOf(samples, change(weights, problem.weights), products),
  solve: (samples, damping) => solved(samples, problem, damping, products, signal),
});

async function samplesOf(
  { x, y, inputs, outputs, weights }: FitProblem,
  begin: number,
  end: number,
  products: MatrixProducts,
): Promise<Samples> {
  const rows = end - begin;
  const some = { data: new Float64Array(x.subarray(begin * inputs, end * inputs)), rows, columns: inputs };
  const missing = { data: new Float64Array(outputs * rows), rows: outputs, columns: rows };
  const given = { data: new Float64Array(weights), rows: outputs, columns: inputs };
  await products.multiply(missing.data, given, some, { transposeB: true });
  let variance = 0;
  for (let o = 0; o < outputs; o++) {
    for (let r = 0; r < rows; r++) {
      const value = y[(begin + r) * outputs + o]!;
      variance += value * value;
      missing.data[o * rows + r] = value - missing.data[o * rows + r]!;
    }
  }
  return { x: some, missing, variance };
}

/** |XD' - E|^2 */
async function errorOf({ x, missing }: Samples, change: Float64Array, products: MatrixProducts): Promise<number> {
  const image = new Float64Array(missing.data.length);
  const changed = { data: change, rows: missing.rows, columns: x.columns };
  await products.multiply(image, changed, x, { transposeB: true });
  let error = 0;
  for (let i = 0; i < image.length; i++) error += (image[i]! - missing.data[i]!) ** 2;
  return error;
}

/** W0 + E'(XX' + lambda I)^-1 X, lambda a share of the mean of the diagonal of X'X. */
async function solved(
  { x, missing }: Samples,
  { inputs, weights }: FitProblem,
  damping: number,
  products: MatrixProducts,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const xx = new Float64Array(x.rows * x.rows);
  await products.multiply(xx, x, x, { transposeB: true });
  const rows = { ...missing, data: missing.data.slice() };
  const share = (damping * x.rows) / inputs;
  if (!(await solveRows(dampedMatrix(xx, x.rows, share), rows, products, signal))) return weights.slice();
  const found = new Float64Array(weights.length);
  await products.multiply(found, rows, x);
  return weights.map((weight, i) => weight + found[i]!);
}
