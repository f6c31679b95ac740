import { copyRectangle, type Matrix, type MatrixProducts } from '../../linear-algebra/products.ts';
import { solveRows } from '../../linear-algebra/solve.ts';
import type { Algebra, FitProblem, Means } from './fit-problem.ts';
import { dampedMatrix, type Products } from './products.ts';

/**
 * What `products.ts` and `least-squares.ts` compute in loops, in matrix products: for layers so wide that loops take minutes, and hear no
 * signal meanwhile. Sums of products in float32 over so many rows at a time, everything else in float64.
 */
const ROWS = 4096;
/** Columns of X'X that are computed together, from the first on to its diagonal: the rest is the same once more. */
const COLUMNS = 512;

/** Of what the weights given leave: E = Y - X W0'. */
interface WideSums extends Omit<Products, 'xy'> {
  /** E'X, `[outputs, inputs]` */
  readonly missing: Float64Array;
  /** |E|^2 */
  readonly error: number;
}

export const wideMeans = (problem: FitProblem, { products, signal }: Algebra): Means<WideSums> => ({
  sums: (begin, end) => sumsOf(problem, begin, end, products, signal),
  whole: (seen, heldBack) => Promise.resolve(joined(seen, heldBack)),
  error: (sums, found) => errorOf(sums, change(found, problem.weights), products),
  solve: (sums, damping) => solved(sums, problem.weights, damping, products, signal),
});

/** Sums over the samples `begin` to `end`. */
async function sumsOf(
  { x, y, inputs, outputs, weights }: FitProblem,
  begin: number,
  end: number,
  products: MatrixProducts,
  signal: AbortSignal | undefined,
): Promise<WideSums> {
  const xx = new Float64Array(inputs * inputs);
  const xy = new Float64Array(outputs * inputs);
  const partXY = new Float32Array(xy.length);
  let variance = 0;
  for (let from = begin; from < end; from += ROWS) {
    signal?.throwIfAborted();
    const to = Math.min(end, from + ROWS);
    const some = { data: x.subarray(from * inputs, to * inputs), rows: to - from, columns: inputs };
    const answers = { data: y.subarray(from * outputs, to * outputs), rows: to - from, columns: outputs };
    await addSquares(xx, some, products);
    await products.multiply(partXY, answers, some, { transposeA: true });
    for (let i = 0; i < xy.length; i++) xy[i]! += partXY[i]!;
    for (const value of answers.data) variance += value * value;
  }
  for (let i = 0; i < inputs; i++) for (let j = 0; j < i; j++) xx[j * inputs + i] = xx[i * inputs + j]!;
  const image = await applied(xx, weights, inputs, products);
  const missing = xy.map((value, i) => value - image[i]!);
  let error = variance;
  for (let i = 0; i < xy.length; i++) error -= (xy[i]! + missing[i]!) * weights[i]!;
  return { inputs, outputs, xx, missing, error, variance };
}

/** Adds X'X to the lower triangle. */
async function addSquares(xx: Float64Array, x: Matrix<Float32Array>, products: MatrixProducts): Promise<void> {
  const { columns } = x;
  for (let first = 0; first < columns; first += COLUMNS) {
    const last = Math.min(columns, first + COLUMNS);
    const some = columnsOf(x, first, last);
    const upTo = last === columns ? x : columnsOf(x, 0, last);
    const part = new Float32Array((last - first) * last);
    await products.multiply(part, some, upTo, { transposeA: true });
    for (let i = first; i < last; i++) {
      const at = (i - first) * last;
      for (let j = 0; j <= i; j++) xx[i * columns + j]! += part[at + j]!;
    }
  }
}

function columnsOf(x: Matrix<Float32Array>, first: number, last: number): Matrix<Float32Array> {
  const part = { data: new Float32Array(x.rows * (last - first)), rows: x.rows, columns: last - first };
  copyRectangle(x, [0, first], [x.rows, last - first], part);
  return part;
}

/** Sums of both. */
function joined(a: WideSums, b: WideSums): WideSums {
  const xx = a.xx.map((value, i) => value + b.xx[i]!);
  const missing = a.missing.map((value, i) => value + b.missing[i]!);
  return { ...a, xx, missing, error: a.error + b.error, variance: a.variance + b.variance };
}

/** W X'X @param weights `[outputs, inputs]` */
async function applied(
  xx: Float64Array,
  weights: Float32Array | Float64Array,
  inputs: number,
  products: MatrixProducts,
): Promise<Float64Array> {
  const rows = weights.length / inputs;
  const result = new Float64Array(weights.length);
  await products.multiply(
    result,
    { data: new Float64Array(weights), rows, columns: inputs },
    { data: xx, rows: inputs, columns: inputs },
  );
  return result;
}

/** D of W = W0 + D. In a loop: `Float64Array.from` with a function takes ten times as long. */
export function change(weights: Float32Array, given: Float32Array): Float64Array {
  const found = new Float64Array(weights);
  for (let i = 0; i < found.length; i++) found[i]! -= given[i]!;
  return found;
}

/** |XD' - E|^2 */
async function errorOf(sums: WideSums, change: Float64Array, products: MatrixProducts): Promise<number> {
  const image = await applied(sums.xx, change, sums.inputs, products);
  let { error } = sums;
  for (let i = 0; i < image.length; i++) error += (image[i]! - 2 * sums.missing[i]!) * change[i]!;
  return error;
}

/** W0 + E'X (X'X + lambda I)^-1 */
async function solved(
  { inputs, outputs, xx, missing }: WideSums,
  weights: Float32Array,
  damping: number,
  products: MatrixProducts,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const rows = { data: missing.slice(), rows: outputs, columns: inputs };
  const solvable = await solveRows(dampedMatrix(xx, inputs, damping), rows, products, signal);
  return solvable ? weights.map((weight, i) => weight + rows.data[i]!) : weights.slice();
}
