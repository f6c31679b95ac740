import type { Turn } from '../../core/turns.ts';
import type { MatrixProducts } from '../linear-algebra/products.ts';
import type { RoundProblem } from './problem.ts';

/** Columns that are rounded one after the other in loops between two products: more makes the loops dear, fewer the calls. */
const STRIPE = 32;
/** A sweep that changes a smaller share of the weights is the last. */
const SETTLED = 1e-3;

/** Of one row: w'Cw, q'Cw, q'Cq, summed over the blocks. The scale and the error follow from them. */
export class RowSums {
  readonly energy: Float64Array;
  readonly cross: Float64Array;
  readonly own: Float64Array;

  constructor(rows: number) {
    this.energy = new Float64Array(rows);
    this.cross = new Float64Array(rows);
    this.own = new Float64Array(rows);
  }
}

/** What the tiles of one block of columns share in both passes. Its columns are in GPTQ's order. */
export interface PreparedBlock {
  readonly from: number;
  readonly size: number;
  readonly order: readonly number[];
  /** `[size, size]` */
  readonly covariance: Float32Array;
}

/** GPTQ's factor: each row divided by its diagonal, and the squares of that. */
export interface Spread {
  readonly rows: Float32Array;
  readonly squares: Float64Array;
}

/** Some rows of one block, in units of their scales, one column behind the other: `[size, rows]`. */
export class Tile {
  readonly #problem: RoundProblem;
  readonly #block: PreparedBlock;
  readonly #row: number;
  readonly #rows: number;
  readonly #scales: Float32Array;
  readonly #products: MatrixProducts;
  /** Weight less code: what the output is wrong by. */
  readonly #off: Float32Array;
  readonly #codes: Float32Array;
  /** 1 where a weight may move. */
  readonly #zero: Uint8Array | undefined;
  /** 1 / scale^2 of each row. */
  readonly #perArea: Float64Array;

  constructor(
    problem: RoundProblem,
    block: PreparedBlock,
    { row, rows }: { readonly row: number; readonly rows: number },
    scales: Float32Array,
    products: MatrixProducts,
  ) {
    this.#problem = problem;
    this.#block = block;
    this.#row = row;
    this.#rows = rows;
    this.#scales = scales;
    this.#products = products;
    const { size, order, from } = block;
    const { weights, columns, keepZero } = problem;
    this.#off = products.workspace.floats('off', size * rows);
    this.#codes = products.workspace.floats('codes', size * rows);
    this.#perArea = Float64Array.from({ length: rows }, (_, r) => 1 / scales[row + r]! ** 2);
    for (let r = 0; r < rows; r++) {
      const start = (row + r) * columns + from;
      const inverse = 1 / scales[row + r]!;
      for (let j = 0; j < size; j++) this.#off[j * rows + r] = weights[start + order[j]!]! * inverse;
    }
    this.#zero = keepZero ? Uint8Array.from(this.#off, (value) => (value === 0 ? 1 : 0)) : undefined;
  }

  /** GPTQ: every stripe first takes what the columns before it pass on. */
  async cascade(factor: Spread | undefined, turn: Turn): Promise<void> {
    const spread = factor?.rows;
    const { size } = this.#block;
    const { workspace } = this.#products;
    const rows = this.#rows;
    const { of } = this.#problem.nearest;
    const { rate } = this.#problem;
    const [zero, codes] = [this.#zero, this.#codes];
    // Errors take the places of weights that are done; `weights` keeps those for the descent.
    const moved = this.#off;
    const weights = workspace.floats('weights', moved.length);
    weights.set(moved);
    const passed = workspace.floats('passed', STRIPE * rows);
    for (let from = 0; from < size; from += STRIPE) {
      await turn();
      const width = Math.min(STRIPE, size - from);
      if (spread !== undefined && from > 0) {
        const taken = workspace.floats('taken', from * width);
        for (let k = 0; k < from; k++) taken.set(spread.subarray(k * size + from, k * size + from + width), k * width);
        const out = passed.subarray(0, width * rows);
        await this.#products.multiply(
          out,
          { data: taken, rows: from, columns: width },
          { data: moved, rows: from, columns: rows },
          { transposeA: true },
        );
        const base = from * rows;
        for (let i = 0; i < out.length; i++) moved[base + i]! -= out[i]!;
      }
      for (let j = from; j < from + width; j++) {
        const column = j * rows;
        // An error of e in column j costs e^2 / U_jj^2 once the columns after it have absorbed what they can (Frantar 2022, eq. 2).
        const price = rate === undefined ? 0 : rate.price * (factor?.squares[j] ?? 0);
        for (let i = column; i < column + rows; i++) {
          const code =
            zero !== undefined && zero[i] === 1
              ? 0
              : rate === undefined
                ? of(moved[i]!)
                : rate.codes.of(moved[i]!, price * this.#perArea[i - column]!);
          codes[i] = code;
          moved[i]! -= code;
        }
        if (spread === undefined) continue;
        for (let l = j + 1; l < from + width; l++) {
          const share = spread[j * size + l]!;
          const ahead = (l - j) * rows;
          for (let i = column; i < column + rows; i++) moved[i + ahead]! -= share * moved[i]!;
        }
      }
    }
    for (let i = 0; i < moved.length; i++) moved[i] = weights[i]! - codes[i]!;
  }

  /** Goes on from codes chosen before, with other scales. */
  resume(stored: Int8Array): void {
    const { size, order, from } = this.#block;
    const rows = this.#rows;
    for (let r = 0; r < rows; r++) {
      const start = (this.#row + r) * this.#problem.columns + from;
      for (let j = 0; j < size; j++) {
        const code = stored[start + order[j]!]!;
        this.#codes[j * rows + r] = code;
        this.#off[j * rows + r]! -= code;
      }
    }
  }

  /** Moves one code at a time to the best one given all others of its row. */
  async descend(sweeps: number, turn: Turn): Promise<void> {
    const { size, covariance } = this.#block;
    const rows = this.#rows;
    const gradient = this.#products.workspace.floats('passed', STRIPE * rows);
    for (let sweep = 0; sweep < sweeps; sweep++) {
      let changes = 0;
      for (let from = 0; from < size; from += STRIPE) {
        await turn();
        const width = Math.min(STRIPE, size - from);
        const lines = covariance.subarray(from * size, (from + width) * size);
        await this.#products.multiply(
          gradient.subarray(0, width * rows),
          { data: lines, rows: width, columns: size },
          { data: this.#off, rows: size, columns: rows },
        );
        changes += this.#descendStripe(from, width, gradient);
      }
      if (changes < SETTLED * size * rows) return;
    }
  }

  #descendStripe(from: number, width: number, gradient: Float32Array): number {
    const { size, covariance } = this.#block;
    const rows = this.#rows;
    const { of } = this.#problem.nearest;
    const { rate } = this.#problem;
    const [zero, codes, off] = [this.#zero, this.#codes, this.#off];
    const moved = new Int32Array(rows);
    const steps = new Float32Array(rows);
    let changes = 0;
    for (let j = 0; j < width; j++) {
      const line = (from + j) * size + from;
      const inverse = 1 / covariance[line + j]!;
      const column = (from + j) * rows;
      let count = 0;
      for (let r = 0; r < rows; r++) {
        const i = column + r;
        const code = codes[i]!;
        const u = code + gradient[j * rows + r]! * inverse;
        const best = rate === undefined ? of(u) : rate.codes.of(u, rate.price * inverse * this.#perArea[r]!);
        if (best === code || (zero !== undefined && zero[i] === 1)) continue;
        codes[i] = best;
        off[i]! -= best - code;
        moved[count] = r;
        steps[count++] = best - code;
      }
      changes += count;
      for (let l = j + 1; l < width; l++) {
        const shared = covariance[line + l]!;
        const at = l * rows;
        for (let k = 0; k < count; k++) gradient[at + moved[k]!]! -= shared * steps[k]!;
      }
    }
    return changes;
  }

  /** Adds this block's share in w'Cw, q'Cw and q'Cq of its rows, from C(w - q) and Cq. */
  async sum({ energy, cross, own }: RowSums): Promise<void> {
    const { size, covariance } = this.#block;
    const rows = this.#rows;
    const square = { data: covariance, rows: size, columns: size };
    const { workspace } = this.#products;
    const ofOff = workspace.floats('weights', size * rows);
    const ofCodes = workspace.floats('of codes', size * rows);
    await this.#products.multiply(ofOff, square, { data: this.#off, rows: size, columns: rows });
    await this.#products.multiply(ofCodes, square, { data: this.#codes, rows: size, columns: rows });
    const [dd, qd, qq] = [new Float64Array(rows), new Float64Array(rows), new Float64Array(rows)];
    for (let column = 0; column < ofOff.length; column += rows) {
      for (let r = 0; r < rows; r++) {
        const i = column + r;
        const code = this.#codes[i]!;
        dd[r]! += this.#off[i]! * ofOff[i]!;
        qd[r]! += code * ofOff[i]!;
        qq[r]! += code * ofCodes[i]!;
      }
    }
    for (let r = 0; r < rows; r++) {
      const scale = this.#scales[this.#row + r]!;
      energy[this.#row + r]! += scale * scale * (dd[r]! + 2 * qd[r]! + qq[r]!);
      cross[this.#row + r]! += scale * (qd[r]! + qq[r]!);
      own[this.#row + r]! += qq[r]!;
    }
  }

  store(stored: Int8Array): void {
    const { size, order, from } = this.#block;
    const rows = this.#rows;
    for (let r = 0; r < rows; r++) {
      const start = (this.#row + r) * this.#problem.columns + from;
      for (let j = 0; j < size; j++) stored[start + order[j]!] = this.#codes[j * rows + r]!;
    }
  }
}
