import { SymbolMixer } from './mixer.ts';
import type { BinaryCoder } from './range-coder.ts';

/** How the codes of a layer lie: `[rows, columns, kernel]` row-major, symbols of so many bits, ascending with the weight. */
export interface CodeShape {
  /** 1 to 8. */
  readonly bits: number;
  /** Input channels of a convolution; the row is what follows from the number of codes. */
  readonly columns: number;
  /** Places of the kernel, and of one line of it. */
  readonly kernel: number;
  readonly kernelWidth: number;
}

/** What is known beforehand at the place of every code. */
export interface Reference {
  /** One symbol a code, of at most 8 bits. */
  readonly symbols: Uint8Array;
  /** `difference`: codes are coded as what they differ from these by; `context`: these only help to predict. */
  readonly use: 'difference' | 'context';
}

/** Between two looks at whether to go on: some 50 ms. */
const CODES_AT_ONCE = 2 ** 16;

/** Columns whose size is remembered; beyond, two share a memory, which must not grow with what a header says. */
const MOST_COLUMNS = 2 ** 16;

/** A neighbour's symbol in at most 16 steps. */
function coarseness(bits: number, spread: number): (symbol: number) => number {
  if (bits <= 4) return (symbol) => symbol;
  const centre = 2 ** (bits - 1);
  const step = Math.max(1, spread / 2);
  return (symbol) => Math.min(15, Math.max(0, Math.floor((symbol - centre) / step + 8)));
}

/**
 * Codes the weights of layers, one after the other: what was learned from one helps with the next of the same width.
 *
 * Three contexts are mixed. Tried on the clustered VGG16 of the benchmarks, 14 layers of 16 codes, 934,262 bytes packed and
 * 874,146 at the entropy of each layer: these three 849,547; the same place in the previous input or output channel beside
 * them, nothing gained (0.03%); without the neighbours in the kernel 2% more; five, with each neighbour by itself as well,
 * 0.1% less. Weights are close to independent: what is left to find is small.
 */
export class CodeCoder {
  readonly #mixers = new Map<string, SymbolMixer>();

  /**
   * @param coder an encoder takes `symbols`, a decoder fills them in
   * @param spread mean distance of a symbol from the middle, at least 1: the same for encoder and decoder
   * @yields after every CODES_AT_ONCE codes
   */
  *code(
    coder: BinaryCoder,
    symbols: Uint8Array,
    { bits, columns, kernel, kernelWidth }: CodeShape,
    spread: number,
    reference?: Reference,
  ): Generator<void> {
    const mixer = this.#mixer(bits, reference);
    const contexts = new Int32Array(reference === undefined ? 3 : 4);
    const coarse = coarseness(bits, spread);
    const { difference, known } = reading(reference);
    const middle = 2 ** (bits - 1);
    const mask = 2 ** bits - 1;
    if (symbols.length % (columns * kernel) !== 0) throw new RangeError(`${symbols.length} codes are no whole rows`);
    // What was coded of the kernel at hand: codes, or their differences.
    const near = new Uint8Array(kernel).fill(middle);
    const columnSum = new Float64Array(Math.min(columns, MOST_COLUMNS));
    const expected = Math.max(1, spread);
    for (let at = 0, o = 0; at < symbols.length; o++) {
      let rowSum = 4 * expected;
      for (let i = 0; i < columns; i++) {
        const column = i % MOST_COLUMNS;
        for (let k = 0; k < kernel; k++, at++) {
          if (at % CODES_AT_ONCE === CODES_AT_ONCE - 1) yield;
          const x = k % kernelWidth;
          const left = x > 0 ? near[k - 1]! : middle;
          const up = k >= kernelWidth ? near[k - kernelWidth]! : middle;
          const corner = x > 0 && k >= kernelWidth ? near[k - kernelWidth - 1]! : middle;
          const columnMean = (columnSum[column]! + 4 * expected) / (o * kernel + k + 4);
          const rowMean = rowSum / (i * kernel + k + 4);
          contexts[0] = coarse(left) * 16 + coarse(up);
          contexts[1] = level(columnMean, expected) * 16 + level(rowMean, expected);
          contexts[2] =
            Math.min(k, 127) * 32 + Math.min(31, Math.max(0, coarse(left) + coarse(up) - coarse(corner) + 8));
          const base = difference ? known[at]! : 0;
          if (reference !== undefined) contexts[3] = known[at]!;
          const shifted = difference ? (symbols[at]! - base + middle) & mask : symbols[at]!;
          const coded = mixer.code(coder, shifted, contexts);
          symbols[at] = difference ? (coded + base - middle) & mask : coded;
          near[k] = coded;
          const size = Math.abs(coded - middle + 0.5);
          columnSum[column]! += size;
          rowSum += size;
        }
      }
    }
  }

  #mixer(bits: number, reference: Reference | undefined): SymbolMixer {
    const key = `${bits} ${reference?.use ?? 'alone'}`;
    const known = this.#mixers.get(key);
    if (known !== undefined) return known;
    const mixer = new SymbolMixer(bits, reference === undefined ? 3 : 4);
    this.#mixers.set(key, mixer);
    return mixer;
  }
}

const NOTHING = new Uint8Array();
const reading = (reference: Reference | undefined): { difference: boolean; known: Uint8Array } => ({
  difference: reference?.use === 'difference',
  known: reference?.symbols ?? NOTHING,
});

/** A mean magnitude beside the expected one, in 16 steps up to twice it. */
const level = (mean: number, expected: number): number => Math.min(15, Math.floor((mean / expected) * 7.5));
