import type { Matrix, MatrixProducts } from '../../linear-algebra/products.ts';
import type { BlockState } from './elimination.ts';
import { invertSmall } from './narrow-block.ts';

/** The inverse covariance and W'W of the columns of a block, both symmetric `[size, size]`. */
interface Moments {
  readonly h: Float64Array;
  readonly g: Float64Array;
  readonly size: number;
}

/** Columns that go before the matrices follow. CPU time of 576 columns, one a channel, with 16, 32, 64 and 128: 109, 95, 91 and 123 ms. */
const LINES = 64;

/**
 * Elimination without the weights: prices need of them only G = W'W, tr(W_S A W_S') = tr(A G_SS) with A = inverse(H_SS), and with
 * W -= W_S P, P = A H_S:, it becomes G - P'T - T'P, T = G_S: - G_SS P / 2. So a step does not depend on how many rows read the columns.
 *
 * Only the corners H_SS and G_SS of the channels follow every step, since prices are made of them. The matrices follow by `LINES` columns at a
 * time, in matrix products: the rows that a step needs are brought up to date alone. A difference of what is nearly equal may be less than
 * nothing: a price is not.
 */
export class WideState implements BlockState {
  #h: Float64Array;
  #g: Float64Array;
  #size: number;
  /** Columns of each channel where they are now; none of one that has gone. */
  #columns: (readonly number[])[];
  /** H_SS and G_SS of one channel after the other. */
  readonly #corners: { readonly h: Float64Array; readonly g: Float64Array; readonly from: readonly number[] };
  readonly #norm: number;
  readonly #products: MatrixProducts;
  /** P, Q = H_S: and T of the columns that have gone and are still in the matrices, a line each. */
  #lines: { readonly p: Float64Array; readonly q: Float64Array; readonly t: Float64Array };
  #gone: number[] = [];

  constructor(
    { h, g, size }: Moments,
    columns: readonly (readonly number[])[],
    norm: number,
    products: MatrixProducts,
  ) {
    [this.#h, this.#g, this.#size] = [h, g, size];
    this.#columns = [...columns];
    this.#norm = norm;
    this.#products = products;
    const most = LINES + Math.max(0, ...columns.map(({ length }) => length));
    const lines = (): Float64Array => new Float64Array(most * size);
    this.#lines = { p: lines(), q: lines(), t: lines() };
    let end = 0;
    const from = columns.map(({ length }) => {
      end += length ** 2;
      return end - length ** 2;
    });
    this.#corners = { h: new Float64Array(end), g: new Float64Array(end), from };
    columns.forEach((at, channel) => {
      let place = from[channel]!;
      for (const a of at) {
        for (const b of at) {
          this.#corners.h[place] = h[a * size + b]!;
          this.#corners.g[place++] = g[a * size + b]!;
        }
      }
    });
  }

  price(channel: number): number {
    const count = this.#columns[channel]?.length ?? 0;
    if (count === 0) return 0;
    const { h, g, from } = this.#corners;
    const start = from[channel]!;
    if (count === 1) return h[start]! > 0 ? Math.max(0, g[start]! / h[start]!) / this.#norm : 0;
    const a = invertSmall(h.subarray(start, start + count ** 2), count);
    let trace = 0;
    for (let i = 0; i < a.length; i++) trace += a[i]! * g[start + i]!;
    return Math.max(0, trace) / this.#norm;
  }

  /** @throws {WaysideError} SESSION_RUN */
  async remove(channel: number): Promise<boolean> {
    const at = this.#columns[channel] ?? [];
    const count = at.length;
    if (count === 0) return false;
    const size = this.#size;
    const { p, q, t } = this.#lines;
    const { h, g, from } = this.#corners;
    const start = from[channel]!;
    const known = this.#gone.length;
    for (let i = 0; i < count; i++) this.#bringLine(at[i]!, known, known + i);
    const a = invertSmall(h.subarray(start, start + count ** 2), count);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) add(p, known + i, a[i * count + j]!, q, known + j, size);
    }
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) add(t, known + i, -g[start + i * count + j]! / 2, p, known + j, size);
    }
    this.#columns[channel] = [];
    for (let line = known; line < known + count; line++) this.#downdateCorners(line * size);
    this.#gone.push(...at);
    if (this.#gone.length >= LINES) await this.#follow();
    return true;
  }

  /** H_S: and G_S: of one column as they are now, as new lines of Q and T; that of P is cleared. */
  #bringLine(column: number, known: number, line: number): void {
    const size = this.#size;
    const { p, q, t } = this.#lines;
    const row = column * size;
    q.set(this.#h.subarray(row, row + size), line * size);
    t.set(this.#g.subarray(row, row + size), line * size);
    p.fill(0, line * size, (line + 1) * size);
    for (let k = 0; k < known; k++) {
      const pk = p[k * size + column]!;
      add(q, line, -pk, q, k, size);
      add(t, line, -pk, t, k, size);
      add(t, line, -t[k * size + column]!, p, k, size);
    }
  }

  /** H -= p'q, G -= p't + t'p in the corners, of the line that begins at `line`. */
  #downdateCorners(line: number): void {
    const { p, q, t } = this.#lines;
    const { h, g, from } = this.#corners;
    for (let channel = 0; channel < this.#columns.length; channel++) {
      const at = this.#columns[channel]!;
      let place = from[channel]!;
      for (let i = 0; i < at.length; i++) {
        const [pi, ti] = [p[line + at[i]!]!, t[line + at[i]!]!];
        for (let j = 0; j < at.length; j++) {
          const column = line + at[j]!;
          h[place]! -= pi * q[column]!;
          g[place++]! -= pi * t[column]! + ti * p[column]!;
        }
      }
    }
  }

  /** Brings the matrices up to date, without the columns that have gone. */
  async #follow(): Promise<void> {
    const size = this.#size;
    const gone = new Set(this.#gone);
    const kept = Int32Array.from(Array.from({ length: size }, (_, i) => i).filter((i) => !gone.has(i)));
    const left = kept.length;
    const lines = this.#gone.length;
    const narrowed = (from: Float64Array): Matrix<Float64Array> => {
      const data = new Float64Array(lines * left);
      for (let k = 0; k < lines; k++) for (let j = 0; j < left; j++) data[k * left + j] = from[k * size + kept[j]!]!;
      return { data, rows: lines, columns: left };
    };
    const p = narrowed(this.#lines.p);
    const [h, g] = [new Float64Array(left * left), new Float64Array(left * left)];
    if (left > 0) {
      await this.#products.multiply(h, p, narrowed(this.#lines.q), { transposeA: true });
      await this.#products.multiply(g, p, narrowed(this.#lines.t), { transposeA: true });
    }
    for (let i = 0; i < left; i++) {
      const row = kept[i]! * size;
      for (let j = 0; j <= i; j++) {
        const [here, across] = [i * left + j, j * left + i];
        const column = row + kept[j]!;
        h[here] = h[across] = this.#h[column]! - h[here]!;
        g[here] = g[across] = this.#g[column]! - g[here]! - g[across]!;
      }
    }
    const place = new Map(Array.from(kept, (column, i) => [column, i]));
    this.#columns = this.#columns.map((at) => at.map((column) => place.get(column)!));
    [this.#h, this.#g, this.#size] = [h, g, left];
    this.#gone = [];
  }
}

/** One line of `into` += factor * one of `from`. */
function add(into: Float64Array, line: number, factor: number, from: Float64Array, other: number, size: number): void {
  const [to, start] = [line * size, other * size];
  for (let j = 0; j < size; j++) into[to + j]! += factor * from[start + j]!;
}
