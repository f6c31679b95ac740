import { WaysideError } from '../../core/errors.ts';

/** Probabilities are shares of 2^16. */
export const PROBABILITY_BITS = 16;
/**
 * No decision is taken for surer than this, so that each costs at least log2(1 / (1 - 2^-12)) = 0.00035 bits: a bundle of
 * n bytes cannot make its reader take more than 23,000 n decisions.
 */
const LEAST_PROBABILITY = 16;
const MOST_PROBABILITY = 2 ** PROBABILITY_BITS - LEAST_PROBABILITY;

/** One binary decision. What codes it is told the probability of a 1; both sides must tell the same. */
export interface BinaryCoder {
  /** @param bit what is coded; a decoder ignores it @returns the bit */
  code(bit: number, probability: number): number;
}

const clamped = (probability: number): number => Math.min(MOST_PROBABILITY, Math.max(LEAST_PROBABILITY, probability));

/**
 * The part of an interval that a 1 gets (arithmetic coding with integers: Witten, Neal, Cleary 1987). Products stay below
 * 2^48, so that doubles are exact.
 */
const split = (low: number, high: number, probability: number): number =>
  low + Math.floor(((high - low) * clamped(probability)) / 2 ** PROBABILITY_BITS);

const TOP = 2 ** 24;
const FULL = 2 ** 32;

/** Codes binary decisions into bytes; the interval is [low, high] of 32 bits, bytes leave it once both ends agree. */
export class RangeEncoder implements BinaryCoder {
  #low = 0;
  #high = FULL - 1;
  #bytes = new Uint8Array(4096);
  #length = 0;

  code(bit: number, probability: number): number {
    const middle = split(this.#low, this.#high, probability);
    if (bit === 1) this.#high = middle;
    else this.#low = middle + 1;
    while (Math.floor(this.#low / TOP) === Math.floor(this.#high / TOP)) {
      this.#put(Math.floor(this.#low / TOP));
      this.#low = (this.#low % TOP) * 256;
      this.#high = (this.#high % TOP) * 256 + 255;
    }
    return bit;
  }

  /** Ends the stream. The four bytes are what the decoder holds when it begins. */
  finish(): Uint8Array {
    for (let rest = this.#low, i = 0; i < 4; i++, rest = (rest % TOP) * 256) this.#put(Math.floor(rest / TOP));
    return this.#bytes.slice(0, this.#length);
  }

  #put(byte: number): void {
    if (this.#length === this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#bytes[this.#length++] = byte;
  }
}

/** The inverse. Reads exactly what was written: an end too early or bytes left over are errors (BUNDLE_INVALID). */
export class RangeDecoder implements BinaryCoder {
  readonly #bytes: Uint8Array;
  #at = 0;
  #low = 0;
  #high = FULL - 1;
  #value = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (let i = 0; i < 4; i++) this.#value = this.#value * 256 + this.#next();
  }

  code(_bit: number, probability: number): number {
    const middle = split(this.#low, this.#high, probability);
    const bit = this.#value <= middle ? 1 : 0;
    if (bit === 1) this.#high = middle;
    else this.#low = middle + 1;
    while (Math.floor(this.#low / TOP) === Math.floor(this.#high / TOP)) {
      this.#low = (this.#low % TOP) * 256;
      this.#high = (this.#high % TOP) * 256 + 255;
      this.#value = (this.#value % TOP) * 256 + this.#next();
    }
    return bit;
  }

  /** @throws {WaysideError} BUNDLE_INVALID where bytes are left */
  finish(): void {
    if (this.#at === this.#bytes.length) return;
    const left = this.#bytes.length - this.#at;
    throw new WaysideError('BUNDLE_INVALID', { message: `${left} bytes are left over after the last weight` });
  }

  #next(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new WaysideError('BUNDLE_INVALID', { message: 'the coded weights end too early' });
    return byte;
  }
}
