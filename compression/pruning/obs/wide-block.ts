import { inverseFactor } from '../../linear-algebra/cholesky.ts';
import { copyRectangle, type Matrix, type MatrixProducts } from '../../linear-algebra/products.ts';
import { solveRows } from '../../linear-algebra/solve.ts';
import { dampedCovariance, inverseOfDiagonal } from './damping.ts';
import type { BlockState } from './elimination.ts';
import type { Reader } from './readers.ts';
import { WideState } from './wide-state.ts';

/** What `narrow-block.ts` computes in loops over all rows, for layers of many weights. */
export interface WideBlock {
  /** tr(W C W'): variance of the outputs, added up over the channels. */
  readonly variance: number;
  /** @param norm what its errors are divided by */
  state(norm: number): BlockState;
}

/** @throws AbortError when `signal` aborts */
export async function wideBlock(
  { weights, rows, size, covariance, columns }: Reader,
  products: MatrixProducts,
  signal?: AbortSignal,
): Promise<WideBlock> {
  const gram = new Float64Array(size * size);
  const w = { data: weights, rows, columns: size };
  await products.multiply(gram, w, w, { transposeA: true });
  const matrix = dampedCovariance(covariance, size);
  const factor = await inverseFactor(matrix, size, products, signal);
  const inverse = factor === undefined ? inverseOfDiagonal(matrix, size) : new Float64Array(size * size);
  if (factor !== undefined) {
    const u = { data: factor, rows: size, columns: size };
    await products.multiply(inverse, u, u, { transposeA: true });
  }
  let variance = 0;
  for (let i = 0; i < gram.length; i++) variance += gram[i]! * covariance[i]!;
  return { variance, state: (norm) => new WideState({ h: inverse, g: gram, size }, columns, norm, products) };
}

/**
 * The weights once some columns S are gone and the others, K, have made up for them: W_K += W_S C_SK inverse(C_KK), which is what
 * `withoutColumns` finds by way of the inverse of the whole.
 *
 * @throws AbortError when `signal` aborts
 */
export async function wideWithoutColumns(
  { weights, rows, size, covariance }: Reader,
  at: readonly number[],
  products: MatrixProducts,
  signal?: AbortSignal,
): Promise<Float64Array> {
  const gone = new Set(at);
  const kept = Array.from({ length: size }, (_, i) => i).filter((i) => !gone.has(i));
  const w = { data: weights.slice(), rows, columns: size };
  const lost = columnsOf(w, at);
  for (let r = 0; r < rows; r++) for (const i of at) w.data[r * size + i] = 0;
  if (kept.length === 0) return w.data;
  const c = { data: dampedCovariance(covariance, size), rows: size, columns: size };
  const found = { data: new Float64Array(rows * kept.length), rows, columns: kept.length };
  await products.multiply(found.data, lost, columnsOf(rowsOf(c, at), kept));
  if (!(await solveRows(columnsOf(rowsOf(c, kept), kept).data, found, products, signal))) return w.data;
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < kept.length; k++) w.data[r * size + kept[k]!]! += found.data[r * kept.length + k]!;
  }
  return w.data;
}

type Doubles = Matrix<Float64Array>;

function rowsOf(m: Doubles, at: readonly number[]): Doubles {
  const part = { data: new Float64Array(at.length * m.columns), rows: at.length, columns: m.columns };
  at.forEach((row, i) => {
    copyRectangle(m, [row, 0], [1, m.columns], part, [i, 0]);
  });
  return part;
}

function columnsOf({ data, rows, columns }: Doubles, at: readonly number[]): Doubles {
  const part = { data: new Float64Array(rows * at.length), rows, columns: at.length };
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < at.length; i++) part.data[r * at.length + i] = data[r * columns + at[i]!]!;
  }
  return part;
}
