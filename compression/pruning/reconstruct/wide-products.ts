import { inverseFactor } from '../../linear-algebra/cholesky.ts';
import type { MatrixProducts } from '../../linear-algebra/products.ts';
import { dampedMatrix, type Products, type Samples } from './products.ts';

/**
 * What `products.ts` and `least-squares.ts` compute in loops, in matrix products: for layers so wide that loops take minutes, and hear no
 * signal meanwhile. Sums of products in float32 over so many rows at a time, everything else in float64.
 */
const ROWS = 4096;

/** Sums over the samples `begin` to `end`. */
export async function wideProductsOf(
  { x, y, inputs, outputs }: Samples,
  begin: number,
  end: number,
  products: MatrixProducts,
  signal?: AbortSignal,
): Promise<Products> {
  const xx = new Float64Array(inputs * inputs);
  const xy = new Float64Array(outputs * inputs);
  const [partXX, partXY] = [new Float32Array(xx.length), new Float32Array(xy.length)];
  let variance = 0;
  for (let from = begin; from < end; from += ROWS) {
    signal?.throwIfAborted();
    const to = Math.min(end, from + ROWS);
    const some = { data: x.subarray(from * inputs, to * inputs), rows: to - from, columns: inputs };
    const answers = { data: y.subarray(from * outputs, to * outputs), rows: to - from, columns: outputs };
    await products.multiply(partXX, some, some, { transposeA: true });
    for (let i = 0; i < xx.length; i++) xx[i]! += partXX[i]!;
    await products.multiply(partXY, answers, some, { transposeA: true });
    for (let i = 0; i < xy.length; i++) xy[i]! += partXY[i]!;
    for (const value of answers.data) variance += value * value;
  }
  return { inputs, outputs, xx, xy, variance };
}

/** Sums of both. */
export function joined(a: Products, b: Products): Products {
  const xx = a.xx.map((value, i) => value + b.xx[i]!);
  const xy = a.xy.map((value, i) => value + b.xy[i]!);
  return { ...a, xx, xy, variance: a.variance + b.variance };
}

/** W X'X @param weights `[outputs, inputs]` */
async function applied(
  { inputs, outputs, xx }: Products,
  weights: Float32Array,
  products: MatrixProducts,
): Promise<Float64Array> {
  const result = new Float64Array(weights.length);
  await products.multiply(
    result,
    { data: Float64Array.from(weights), rows: outputs, columns: inputs },
    { data: xx, rows: inputs, columns: inputs },
  );
  return result;
}

/** |XW' - Y|^2 @param weights `[outputs, inputs]` */
export async function wideErrorOf(sums: Products, weights: Float32Array, products: MatrixProducts): Promise<number> {
  const image = await applied(sums, weights, products);
  let error = sums.variance;
  for (let i = 0; i < image.length; i++) error += (image[i]! - 2 * sums.xy[i]!) * weights[i]!;
  return error;
}

/** W0 + (Y'X - W0 X'X) (X'X + lambda I)^-1, with inverse(C) = U'U. */
export async function wideSolved(
  sums: Products,
  weights: Float32Array,
  damping: number,
  products: MatrixProducts,
  signal?: AbortSignal,
): Promise<Float32Array> {
  const { inputs, outputs, xx, xy } = sums;
  const factor = await inverseFactor(dampedMatrix(xx, inputs, damping), inputs, products, signal);
  if (factor === undefined) return weights.slice();
  const u = { data: factor, rows: inputs, columns: inputs };
  const image = await applied(sums, weights, products);
  const missing = xy.map((value, i) => value - image[i]!);
  const turned = new Float64Array(missing.length);
  await products.multiply(turned, { data: missing, rows: outputs, columns: inputs }, u, { transposeB: true });
  const change = new Float64Array(missing.length);
  await products.multiply(change, { data: turned, rows: outputs, columns: inputs }, u);
  return weights.map((weight, i) => weight + change[i]!);
}
