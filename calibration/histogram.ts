import { WaysideError } from '../core/errors.ts';

/** Bins kept, whatever is counted. Between half of them and all lie inside `[min, max]`: 4 to 16 a level of 8 bits. */
export const BINS = 4096;

/** Bins are never finer than 2^-30 of the largest magnitude: their numbers stay exact integers. */
const FINEST = 30;
/** Width of the bins, as a power of two, while only zeros were seen. */
const ZERO_EXPONENT = -60;

/** Where the bins lie: bin `i` counts values in `[(start + i) * 2^exponent, (start + i + 1) * 2^exponent)`. */
interface Grid {
  readonly exponent: number;
  readonly start: number;
}

/** The finest grid that covers a range: it depends on nothing else. */
function gridFor(min: number, max: number): Grid {
  const largest = Math.max(Math.abs(min), Math.abs(max));
  let exponent = largest === 0 ? ZERO_EXPONENT : Math.floor(Math.log2(largest)) - FINEST;
  while (Math.floor(max * 2 ** -exponent) - Math.floor(min * 2 ** -exponent) >= BINS) exponent++;
  return { exponent, start: Math.floor(min * 2 ** -exponent) };
}

/**
 * Counts values as a stream, in constant memory.
 *
 * Bins are a power of two wide and begin at a multiple of it, so a coarser grid always merges whole bins of a finer one
 * and no count is ever split or estimated. The grid follows from the smallest and largest value alone: the result does
 * not depend on the order of the values, and merging two histograms equals counting all their values in one.
 */
export class Histogram {
  #counts = new Float64Array(BINS);
  #grid: Grid = { exponent: ZERO_EXPONENT, start: 0 };
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;
  #total = 0;
  #zeros = 0;

  /** Smallest value seen, exact; Infinity before the first. */
  get min(): number {
    return this.#min;
  }

  /** Largest value seen, exact; -Infinity before the first. */
  get max(): number {
    return this.#max;
  }

  /** Values counted. */
  get total(): number {
    return this.#total;
  }

  /** Values that were exactly 0, as ReLU makes them; they are in the bin that begins at 0 as well. */
  get zeros(): number {
    return this.#zeros;
  }

  /** Width of a bin. */
  get width(): number {
    return 2 ** this.#grid.exponent;
  }

  /** Where bin 0 begins. */
  get low(): number {
    return this.#grid.start * this.width;
  }

  /** Values in each bin: read only. */
  get counts(): Float64Array {
    return this.#counts;
  }

  /**
   * @param extent of the values, where it is known
   * @throws {WaysideError} CALIBRATION_INVALID for a value that is not finite
   */
  add(values: ArrayLike<number>, { min, max, allFinite }: Extent = extentOf(values)): void {
    if (!allFinite) throw new WaysideError('CALIBRATION_INVALID', { message: 'a value is infinite or not a number' });
    if (values.length === 0) return;
    this.#cover(Math.min(this.#min, min), Math.max(this.#max, max));
    const zeros =
      values instanceof Float32Array && values.length >= MANY
        ? countMany(values, this.#counts, this.#grid)
        : count(values, this.#counts, this.#grid);
    this.#zeros += zeros;
    this.#total += values.length;
  }

  /** Adds everything the other has counted. */
  merge(other: Histogram): void {
    if (other.#total === 0) return;
    this.#cover(Math.min(this.#min, other.#min), Math.max(this.#max, other.#max));
    pour(other.#counts, other.#grid, this.#counts, this.#grid);
    this.#total += other.#total;
    this.#zeros += other.#zeros;
  }

  /** Moves to the grid of a wider range. */
  #cover(low: number, high: number): void {
    const min = low + 0; // -0 becomes 0: which of both came first must not show
    const max = high + 0;
    if (min === this.#min && max === this.#max) return;
    const grid = gridFor(min, max);
    if (grid.exponent !== this.#grid.exponent || grid.start !== this.#grid.start) {
      const counts = new Float64Array(BINS);
      if (this.#total > 0) pour(this.#counts, this.#grid, counts, grid);
      this.#counts = counts;
      this.#grid = grid;
    }
    this.#min = min;
    this.#max = max;
  }
}

/** Smallest and largest of some values, and whether all are numbers. */
export interface Extent {
  readonly min: number;
  readonly max: number;
  readonly allFinite: boolean;
}

function extentOf(values: ArrayLike<number>): Extent {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let isNumber = true;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value < min) min = value;
    if (value <= max) continue;
    if (value > max) max = value;
    else isNumber = false;
  }
  return { min, max, allFinite: values.length === 0 || (isNumber && Number.isFinite(min) && Number.isFinite(max)) };
}

/** @returns how many were 0 */
function count(values: ArrayLike<number>, counts: Float64Array, { exponent, start }: Grid): number {
  const scale = 2 ** -exponent;
  let zeros = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (value === 0) zeros++;
    else counts[Math.floor(value * scale) - start]!++;
  }
  if (zeros > 0) counts[-start]! += zeros; // 0 lies in the range, so its bin exists
  return zeros;
}

/** From as many values on it is worth emptying four sets of bins. */
const MANY = 8 * BINS;
/** Neighbours often fall into one bin: counted into the same integer, each waits for the one before it. */
const SETS = Array.from({ length: 4 }, () => new Uint32Array(BINS)) as [
  Uint32Array,
  Uint32Array,
  Uint32Array,
  Uint32Array,
];

/**
 * The same, 2.7 ns a value in place of 7.0: nothing here branches on a value, for of two that follow each other behind a ReLU every other one
 * is 0, and no processor guesses which.
 */
function countMany(values: Float32Array, counts: Float64Array, { exponent, start }: Grid): number {
  const scale = 2 ** -exponent;
  // A float is 0 where all bits but its sign are.
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const [a, b, c, d] = SETS;
  const whole = values.length - (values.length % 4);
  let others = 0;
  for (let i = 0; i < whole; i += 4) {
    others += isSet(bits[i]! << 1) + isSet(bits[i + 1]! << 1) + isSet(bits[i + 2]! << 1) + isSet(bits[i + 3]! << 1);
    a[Math.floor(values[i]! * scale) - start]!++;
    b[Math.floor(values[i + 1]! * scale) - start]!++;
    c[Math.floor(values[i + 2]! * scale) - start]!++;
    d[Math.floor(values[i + 3]! * scale) - start]!++;
  }
  for (let bin = 0; bin < BINS; bin++) {
    counts[bin]! += a[bin]! + b[bin]! + c[bin]! + d[bin]!;
    a[bin] = b[bin] = c[bin] = d[bin] = 0;
  }
  return whole - others + count(values.subarray(whole), counts, { exponent, start });
}

/** 1 for any integer but 0. */
const isSet = (integer: number): number => (integer | -integer) >>> 31;

/** Adds counts on a grid to counts on one as coarse or coarser that covers it. */
function pour(from: Float64Array, source: Grid, to: Float64Array, target: Grid): void {
  const merged = 2 ** (target.exponent - source.exponent);
  for (let i = 0; i < BINS; i++) {
    const count = from[i]!;
    if (count > 0) to[Math.floor((source.start + i) / merged) - target.start]! += count;
  }
}
