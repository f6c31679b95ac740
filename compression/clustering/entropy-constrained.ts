import { bitsPerCode, pricedCodes } from './priced-codes.ts';
import { importanceOfRow, type WeightRows } from './scales.ts';

interface RateOptions {
  /** Codes to begin from, ascending. */
  readonly codebook: Int8Array;
  /** One a row, to begin from. */
  readonly scales: Float32Array;
  /** Error of the layer's output that a bit is worth. */
  readonly price: number;
  /** Largest code of the grid. */
  readonly limit: number;
  /** Codes move to the mean of their weights. @default true */
  readonly refit?: boolean;
}

export interface RateConstrained {
  /** Ascending, 0 among them where it was. */
  readonly codebook: Int8Array;
  readonly scales: Float32Array;
  /** `[rows, columns]` */
  readonly codes: Int8Array;
  /** Sum of importance * (weight - scale * code)^2. */
  readonly error: number;
  /** Error and price of all bits. */
  readonly cost: number;
}

/** The cost falls by less than a thousandth after these; some codes have lost all their weights by then. */
const ROUNDS = 16;

/**
 * Entropy-constrained scalar quantization (Chou, Lookabaugh, Gray 1989) on the int8 grid: minimises the sum of
 * importance * (weight - scale * code)^2 + price * bits(code), by turns of four steps. Lengths follow from how often codes occur, each
 * weight takes the code that costs least, codes move to the mean of their weights and to the grid, scales are fitted in closed form. Zero
 * stays exactly zero: it is what most small weights share.
 */
export function constrainEntropy(rows: WeightRows, options: RateOptions): RateConstrained {
  const { codebook, scales, price, limit, refit = true } = options;
  const first = nearestCodes(rows, scales, codebook);
  let { chosen: best, next } = assigned(rows, { codebook, scales, codes: first }, price);
  for (let round = 1; round < ROUNDS; round++) {
    const from = { ...next, codebook: refit ? next.sums.refitted(limit) : codebook };
    const step = assigned(rows, from, price);
    // The grid is coarse: a round may end above the one before it.
    if (step.chosen.cost < best.cost) best = step.chosen;
    ({ next } = step);
  }
  return best;
}

type Assignment = Pick<RateConstrained, 'codebook' | 'scales' | 'codes'>;

/** Gives every weight the code that costs least where codes are as long as they were. `next` is what follows from the choice. */
function assigned(rows: WeightRows, { codebook, scales, codes: before }: Assignment, price: number) {
  const priced = pricedCodes(codebook, before);
  const sums = new CodeSums();
  const codes = new Int8Array(before.length);
  const fitted = scales.slice();
  let error = 0;
  for (let row = 0, at = 0; row < rows.rows; row++) {
    const h = importanceOfRow(rows, row);
    const scale = scales[row]!;
    const inverse = 1 / scale;
    const perBit = price / (scale * scale);
    let [cross, own, energy] = [0, 0, 0];
    for (let i = 0; i < rows.columns; i++, at++) {
      const w = rows.weights[at]!;
      const code = w === 0 ? priced.nearest.of(0) : priced.of(w * inverse, perBit / h[i]!);
      codes[at] = code;
      cross += h[i]! * w * code;
      own += h[i]! * code * code;
      energy += h[i]! * w * w;
      sums.add(code, w * inverse, h[i]! * scale * scale);
    }
    error += energy - scale * (2 * cross - scale * own);
    const best = cross / own;
    if (best > scale / 4 && best < scale * 4) fitted[row] = best;
  }
  const cost = error + price * codes.length * bitsPerCode(codes);
  return { chosen: { codebook, scales, codes, error, cost }, next: { scales: fitted, codes, sums } };
}

/**
 * Codes of even steps, as far apart as they may be where a bit costs so much: at high resolution the error of a step d is h d^2 / 12 and
 * halves twice with every bit, so that h d^2 = 6 / ln 2 * price.
 *
 * @returns at most k codes around 0
 */
export function evenCodes(rows: WeightRows, scales: Float32Array, price: number, k: number, limit: number): Int8Array {
  let weight = 0;
  for (let row = 0; row < rows.rows; row++) {
    const h = importanceOfRow(rows, row);
    for (let i = 0; i < rows.columns; i++) weight += h[i]! * scales[row]! ** 2;
  }
  const step = Math.max(1, Math.round(stepOf(price, weight / rows.weights.length)));
  const above = Math.min(Math.floor(limit / step), Math.floor((k - 1) / 2));
  return Int8Array.from({ length: 2 * above + 1 }, (_, i) => (i - above) * step);
}

/** Where the codes are all of the grid, its scale is the step: see `evenCodes`. Never finer than given. */
export function coarserScales(rows: WeightRows, scales: Float32Array, price: number): Float32Array {
  return scales.map((scale, row) => {
    const h = importanceOfRow(rows, row);
    return Math.max(scale, stepOf(price, h.reduce((sum, each) => sum + each, 0) / h.length));
  });
}

const stepOf = (price: number, weight: number): number => Math.sqrt(((6 / Math.LN2) * price) / weight);

/** Sums over the weights of each code. */
class CodeSums {
  readonly #mass = new Float64Array(256);
  readonly #first = new Float64Array(256);

  add(code: number, u: number, h: number): void {
    this.#mass[code + 128]! += h;
    this.#first[code + 128]! += h * u;
  }

  /** The mean of each code's weights on the grid; two that meet are one from then on. 0 stays, weights or none. */
  refitted(limit: number): Int8Array {
    const codes = new Set([0]);
    this.#mass.forEach((mass, at) => {
      if (mass > 0 && at !== 128) codes.add(Math.max(-limit, Math.min(limit, Math.round(this.#first[at]! / mass))));
    });
    return Int8Array.from([...codes].sort((a, b) => a - b));
  }
}

function nearestCodes({ weights, columns }: WeightRows, scales: Float32Array, codebook: Int8Array): Int8Array {
  const { nearest } = pricedCodes(codebook, new Int8Array());
  return Int8Array.from(weights, (w, at) => nearest.of(w / scales[Math.floor(at / columns)]!));
}
