import { entropy } from '../../core/statistics.ts';
import { type NearestCode, nearestCode } from './nearest.ts';

const OFFSET = 128;

/** How often each code occurs, by code + 128. */
function frequencies(codes: Int8Array): Float64Array {
  const counts = new Float64Array(256);
  for (const code of codes) counts[code + OFFSET]!++;
  return counts;
}

/** Bits a code where each costs what its frequency says: what a coder that knows no more of them spends. */
export const bitsPerCode = (codes: Int8Array): number => entropy(frequencies(codes));

/**
 * Codes that cost what an entropy coder will spend on them: the one for `u` has the least
 *   (u - code)^2 + price * bits(code),
 * the assignment of entropy-constrained quantization (Chou, Lookabaugh, Gray 1989, eq. 8, for scalars). `price` is the error, in codes
 * squared, that a bit is worth. Without a price it is the nearest code.
 */
export class PricedCodes {
  readonly nearest: NearestCode;
  /** Of each code, in the order of the codes. */
  readonly #bits: Float64Array;
  /** Position of each code, by code + 128. */
  readonly #positions = new Uint8Array(256);
  #fewest = 0;

  /** @param occurring what the lengths are taken from at first */
  constructor(nearest: NearestCode, occurring: Int8Array) {
    this.nearest = nearest;
    this.#bits = new Float64Array(nearest.codes.length);
    nearest.codes.forEach((code, position) => {
      this.#positions[code + OFFSET] = position;
    });
    this.learn(occurring);
  }

  /** Takes the lengths from how often each code occurs; one that does not is as rare as half an occurrence. */
  learn(codes: Int8Array): void {
    const counts = frequencies(codes);
    const total = codes.length + this.#bits.length / 2;
    this.nearest.codes.forEach((code, position) => {
      this.#bits[position] = -Math.log2((counts[code + OFFSET]! + 0.5) / total);
    });
    this.#fewest = this.#bits.reduce((least, bits) => Math.min(least, bits), Number.POSITIVE_INFINITY);
  }

  of(u: number, price: number): number {
    const { nearest } = this;
    const near = nearest.of(u);
    if (!(price > 0)) return near;
    const { codes } = nearest;
    const bits = this.#bits;
    const start = this.#positions[near + OFFSET]!;
    let best = near;
    let least = (u - near) * (u - near) + price * bits[start]!;
    // Errors only grow away from the nearest code: beyond what the shortest length could make up for there is nothing to find.
    const lowest = price * this.#fewest;
    for (let i = start + 1; i < codes.length; i++) {
      const error = (u - codes[i]!) * (u - codes[i]!);
      if (error + lowest >= least) break;
      const cost = error + price * bits[i]!;
      if (cost < least) [least, best] = [cost, codes[i]!];
    }
    for (let i = start - 1; i >= 0; i--) {
      const error = (u - codes[i]!) * (u - codes[i]!);
      if (error + lowest >= least) break;
      const cost = error + price * bits[i]!;
      if (cost < least) [least, best] = [cost, codes[i]!];
    }
    return best;
  }
}

/** Codes with the lengths that they have where they occur so often. */
export const pricedCodes = (codebook: Int8Array, occurring: Int8Array): PricedCodes =>
  new PricedCodes(nearestCode(codebook), occurring);
