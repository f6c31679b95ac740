import { inverseFactor } from '../../linear-algebra/cholesky.ts';
import { copyRectangle, type Matrix, type MatrixProducts } from '../../linear-algebra/products.ts';
import { dampedCovariance, inverseOfDiagonal } from './damping.ts';
import type { BlockState } from './elimination.ts';
import { invertSmall } from './narrow-block.ts';
import type { Reader } from './readers.ts';

/** What `narrow-block.ts` computes in loops over all rows, for layers of many weights. */
export interface WideBlock {
  /** tr(W C W'): variance of the outputs, added up over the channels. */
  readonly variance: number;
  /** @param norm what its errors are divided by */
  state(norm: number): BlockState;
}

/** Columns that have gone before the matrices are made smaller by them. */
const GONE = 32;

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
  return { variance, state: (norm) => new WideState(inverse, gram, size, columns, norm) };
}

/**
 * Elimination without the weights: prices need of them only G = W'W, tr(W_S A W_S') = tr(A G_SS) with A = inverse(H_SS), and with
 * W -= W_S P, P = A H_S:, it becomes G - P'T - T'P, T = G_S: - G_SS P / 2. So a step costs the square of the columns that are left, however many
 * rows read them. Of both symmetric matrices the upper triangle is kept. A difference of what is nearly equal may be less than nothing: a price is not.
 */
class WideState implements BlockState {
  #h: Float64Array;
  #g: Float64Array;
  #size: number;
  /** Columns of each channel where they are now; none of one that has gone. */
  #columns: (readonly number[])[];
  readonly #gone = new Set<number>();
  readonly #norm: number;

  constructor(h: Float64Array, g: Float64Array, size: number, columns: readonly (readonly number[])[], norm: number) {
    this.#h = h;
    this.#g = g;
    this.#size = size;
    this.#columns = [...columns];
    this.#norm = norm;
  }

  price(channel: number): number {
    const at = this.#columns[channel] ?? [];
    if (at.length === 0) return 0;
    const [only = 0] = at;
    if (at.length === 1) {
      const place = only * this.#size + only;
      return this.#h[place]! > 0 ? Math.max(0, this.#g[place]! / this.#h[place]!) / this.#norm : 0;
    }
    const a = invertSmall(this.#corner(this.#h, at), at.length);
    const g = this.#corner(this.#g, at);
    let trace = 0;
    for (let i = 0; i < a.length; i++) trace += a[i]! * g[i]!;
    return Math.max(0, trace) / this.#norm;
  }

  remove(channel: number): boolean {
    const at = this.#columns[channel] ?? [];
    if (at.length === 0) return false;
    const size = this.#size;
    const q = this.#lines(this.#h, at);
    const p = productOf(invertSmall(this.#corner(this.#h, at), at.length), q, at.length, size);
    const t = this.#lines(this.#g, at);
    const shared = productOf(this.#corner(this.#g, at), p, at.length, size);
    for (let i = 0; i < t.length; i++) t[i]! -= shared[i]! / 2;
    for (let s = 0; s < at.length; s++) this.#downdate(p, q, t, s * size);
    this.#columns[channel] = [];
    for (const column of at) this.#gone.add(column);
    if (this.#gone.size >= GONE) this.#shrink();
    return true;
  }

  #downdate(p: Float64Array, q: Float64Array, t: Float64Array, line: number): void {
    const [h, g, size] = [this.#h, this.#g, this.#size];
    for (let i = 0; i < size; i++) {
      if (this.#gone.has(i)) continue;
      const row = i * size;
      const pi = p[line + i]!;
      const ti = t[line + i]!;
      for (let j = i; j < size; j++) {
        h[row + j]! -= pi * q[line + j]!;
        g[row + j]! -= pi * t[line + j]! + ti * p[line + j]!;
      }
    }
  }

  /** The entries of some columns by the same columns. */
  #corner(m: Float64Array, at: readonly number[]): Float64Array {
    const part = new Float64Array(at.length ** 2);
    at.forEach((a, i) => {
      at.forEach((b, j) => {
        part[i * at.length + j] = m[Math.min(a, b) * this.#size + Math.max(a, b)]!;
      });
    });
    return part;
  }

  /** Whole rows. */
  #lines(m: Float64Array, at: readonly number[]): Float64Array {
    const size = this.#size;
    const lines = new Float64Array(at.length * size);
    at.forEach((a, i) => {
      for (let j = 0; j < a; j++) lines[i * size + j] = m[j * size + a]!;
      lines.set(m.subarray(a * size + a, (a + 1) * size), i * size + a);
    });
    return lines;
  }

  /** Takes rows and columns that have gone out of the matrices. */
  #shrink(): void {
    const left = Array.from({ length: this.#size }, (_, i) => i).filter((i) => !this.#gone.has(i));
    const place = new Map(left.map((column, i) => [column, i]));
    const smaller = (m: Float64Array): Float64Array => {
      const found = new Float64Array(left.length ** 2);
      left.forEach((row, i) => {
        for (let j = i; j < left.length; j++) found[i * left.length + j] = m[row * this.#size + left[j]!]!;
      });
      return found;
    };
    [this.#h, this.#g] = [smaller(this.#h), smaller(this.#g)];
    this.#columns = this.#columns.map((at) => at.flatMap((column) => place.get(column) ?? []));
    this.#size = left.length;
    this.#gone.clear();
  }
}

/** A B of `[count, count]` and `[count, size]`. */
function productOf(a: Float64Array, b: Float64Array, count: number, size: number): Float64Array {
  const product = new Float64Array(count * size);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const factor = a[i * count + j]!;
      for (let k = 0; k < size; k++) product[i * size + k]! += factor * b[j * size + k]!;
    }
  }
  return product;
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
  const among = columnsOf(rowsOf(c, kept), kept);
  const factor = await inverseFactor(among.data, kept.length, products, signal);
  if (factor === undefined) return w.data;
  const u = { data: factor, rows: kept.length, columns: kept.length };
  const turned = new Float64Array(rows * kept.length);
  const found = new Float64Array(rows * kept.length);
  await products.multiply(found, lost, columnsOf(rowsOf(c, at), kept));
  await products.multiply(turned, { data: found, rows, columns: kept.length }, u, { transposeB: true });
  await products.multiply(found, { data: turned, rows, columns: kept.length }, u);
  for (let r = 0; r < rows; r++) {
    for (let k = 0; k < kept.length; k++) w.data[r * size + kept[k]!]! += found[r * kept.length + k]!;
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
