import { afterAll, describe, expect, it } from 'vitest';
import { fullGrid, nearestCode } from '../../../compression/clustering/nearest.ts';
import { bitsPerCode, pricedCodes } from '../../../compression/clustering/priced-codes.ts';
import { absmaxScales, searchScale } from '../../../compression/clustering/scales.ts';
import { MatrixProducts } from '../../../compression/linear-algebra/products.ts';
import { roundInProducts } from '../../../compression/rounding/blocked.ts';
import { blockColumnsFor } from '../../../compression/rounding/moments.ts';
import { roundToNearest } from '../../../compression/rounding/nearest.ts';
import type { Rounded } from '../../../compression/rounding/problem.ts';
import { roundToCodes } from '../../../compression/rounding/round.ts';
import { seededRandom } from '../../../core/random.ts';
import { turnsOf } from '../../../core/turns.ts';

const products = new MatrixProducts();
afterAll(() => products.close());

const BLOCK = 70;
const [rows, columns] = [48, 150];

/** Blocks of X'X of correlated columns: the last is smaller, and none is a multiple of a stripe. */
function covarianceOf(size: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const factors = Array.from({ length: size }, () => Float64Array.from({ length: 6 }, () => random.normal()));
  return Float32Array.from({ length: size * size }, (_, at) => {
    const [a, b] = [factors[Math.floor(at / size)], factors[at % size]];
    const shared = a?.reduce((sum, value, f) => sum + value * (b?.[f] ?? 0), 0) ?? 0;
    return shared + (a === b ? 0.3 : 0);
  });
}

const random = seededRandom(5);
const weights = Float32Array.from({ length: rows * columns }, () => (random.below(5) === 0 ? 0 : random.normal()));
const covariance = [covarianceOf(BLOCK, 1), covarianceOf(BLOCK, 2), covarianceOf(columns - 2 * BLOCK, 3)];
const matrix = { weights, rows, columns, importance: new Float64Array(columns).fill(1) };

function problemFor(codes: Int8Array, keepZero = false) {
  const nearest = nearestCode(codes);
  const scales = absmaxScales(matrix, codes.at(-1) ?? 1);
  return { weights, rows, columns, blockColumns: BLOCK, covariance, scales, nearest, keepZero };
}

/** Sum over rows of D'CD, C as it was sampled. */
function outputError({ codes, scales }: { codes: Int8Array; scales: Float32Array }): number {
  let error = 0;
  for (let row = 0; row < rows; row++) {
    const off = Float64Array.from(
      weights.subarray(row * columns, (row + 1) * columns),
      (w, i) => w - (scales[row] ?? 0) * (codes[row * columns + i] ?? 0),
    );
    covariance.forEach((block, b) => {
      const size = Math.sqrt(block.length);
      for (let at = 0; at < block.length; at++) {
        error += (off[b * BLOCK + Math.floor(at / size)] ?? 0) * (block[at] ?? 0) * (off[b * BLOCK + (at % size)] ?? 0);
      }
    });
  }
  return error;
}

describe('rounding in matrix products', () => {
  it.each([0.01, 0.03])('of codes that cost their bits ends where loops do, at a price of %s', async (price) => {
    const codes = fullGrid(7);
    const problem = problemFor(codes);
    const nearest = roundToCodes(problem);
    const costOf = (found: Rounded): number => found.error + price * weights.length * bitsPerCode(found.codes);
    const priced = () => ({ ...problem, rate: { codes: pricedCodes(codes, nearest.codes), price, learns: true } });
    const loops = roundToCodes(priced());
    const found = await roundInProducts(priced(), products, turnsOf(undefined));
    expect(costOf(loops)).toBeLessThan(costOf(nearest));
    expect(bitsPerCode(loops.codes)).toBeLessThan(bitsPerCode(nearest.codes));
    expect(Math.abs(costOf(found) / costOf(loops) - 1)).toBeLessThan(0.03);
  });

  it.each([
    ['the grid of 8 bits', fullGrid(127)],
    ['a coarse grid', fullGrid(7)],
    ['a codebook', Int8Array.of(-64, -31, -12, -3, 0, 5, 17, 40, 64)],
  ])('leaves no more error than loops do, on %s', async (_, codes) => {
    const problem = problemFor(codes);
    const loops = roundToCodes(problem);
    const found = await roundInProducts(problem, products, turnsOf(undefined));
    expect(outputError(found)).toBeLessThan(1.01 * outputError(loops));
    expect(found.error).toBeLessThan(1.01 * loops.error);
    expect(found.error).toBeGreaterThan(outputError(found));
    expect(found.codes.every((code) => codes.includes(code))).toBe(true);
  });

  it('keeps zeros zero, gives the same again and leaves its input alone', async () => {
    const problem = problemFor(fullGrid(7), true);
    const before = problem.scales.slice();
    const once = await roundInProducts(problem, products, turnsOf(undefined));
    expect(await roundInProducts(problem, products, turnsOf(undefined))).toEqual(once);
    expect(problem.scales).toEqual(before);
    expect(weights.every((w, i) => w !== 0 || once.codes[i] === 0)).toBe(true);
  });

  it('stops at the first step after it was asked to', async () => {
    let steps = 0;
    const stop = async (): Promise<void> => {
      if (++steps > 3) throw new Error('stopped');
    };
    await expect(roundInProducts(problemFor(fullGrid(7)), products, stop)).rejects.toThrow('stopped');
    expect(steps).toBe(4);
  });
});

describe('rounding to nearest', () => {
  it('is what the loops do where columns are independent', async () => {
    const variances = Float64Array.from({ length: columns }, (_, i) => Math.fround(i % 9 === 0 ? 0 : 1 / (1 + i)));
    const problem = {
      ...problemFor(fullGrid(64)),
      blockColumns: 1,
      covariance: [...variances].map((v) => Float32Array.of(v)),
    };
    const loops = roundToCodes(problem);
    const found = await roundToNearest({ ...problem, variances }, turnsOf(undefined));
    expect(found.codes).toEqual(loops.codes);
    expect(found.scales).toEqual(loops.scales);
    expect(found.error).toBeCloseTo(loops.error, 9);
  });

  it('of a layer of millions of weights obeys an abort between two rows', async () => {
    const wide = 2 ** 16;
    let row = 0;
    const turn = async (): Promise<void> => {
      if (++row === 2) throw new Error('stopped');
    };
    const problem = {
      ...problemFor(fullGrid(64)),
      weights: new Float32Array(64 * wide).fill(0.3),
      rows: 64,
      columns: wide,
      scales: new Float32Array(64).fill(0.01),
      variances: new Float64Array(wide).fill(1),
    };
    await expect(roundToNearest(problem, turn)).rejects.toThrow('stopped');
    expect(row).toBe(2);
  });
});

it('the scale of a wide row, found by bins, errs as little as that of every weight', () => {
  const wide = 5000;
  const row = Float32Array.from({ length: wide }, () => random.normal() * (random.below(50) === 0 ? 3 : 1));
  const importance = Float64Array.from({ length: wide }, () => random.below(100) / 50);
  const grid = nearestCode(fullGrid(64));
  const whole = { weights: row, rows: 1, columns: wide, importance };
  const start = absmaxScales(whole, 64);
  const errorAt = (scale: number): number =>
    row.reduce((sum, w, i) => sum + (importance[i] ?? 0) * (w - scale * grid.of(w / scale)) ** 2, 0);
  const steps = Array.from({ length: 33 }, (_, i) => errorAt((start[0] ?? 0) * 1.025 ** (i - 20)));
  expect(errorAt(searchScale(whole, 0, start, grid))).toBeLessThan(1.005 * Math.min(...steps));
});

it('blocks are narrow where samples are few', () => {
  expect(blockColumnsFor(25_088, 1, 32)).toBe(64);
  expect(blockColumnsFor(25_088, 1, 1024)).toBe(128);
  expect(blockColumnsFor(25_088, 1, 100_000)).toBe(576);
  expect(blockColumnsFor(64, 1, 1)).toBe(64);
});
