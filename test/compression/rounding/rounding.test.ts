import { describe, expect, test } from 'vitest';
import { fullGrid, nearestCode } from '../../../compression/clustering/nearest.ts';
import { GramSession } from '../../../compression/rounding/gram.ts';
import { blockColumnsFor } from '../../../compression/rounding/moments.ts';
import { copyPatch, outputOf } from '../../../compression/rounding/patches.ts';
import { roundToCodes } from '../../../compression/rounding/round.ts';
import { inverseCholesky } from '../../../compression/rounding/solve.ts';
import { seededRandom } from '../../../core/random.ts';

/** A covariance of correlated columns: A A' of a random A with few columns, and a little of its own for each. */
function covarianceOf(size: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  const factors = Array.from({ length: size }, () => Array.from({ length: 3 }, () => random.normal()));
  return Float32Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    const shared = factors[i]!.reduce((sum, value, f) => sum + value * factors[j]![f]!, 0);
    return shared + (i === j ? 0.1 : 0);
  });
}

test('the inverse factor, squared, is the inverse', () => {
  const size = 12;
  const matrix = Float64Array.from(covarianceOf(size, 1));
  const factor = inverseCholesky(matrix, size)!;
  const at = (m: Float64Array, i: number, j: number): number => m[i * size + j]!;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let product = 0;
      for (let k = 0; k < size; k++)
        for (let l = 0; l < size; l++) product += at(matrix, i, k) * at(factor, l, k) * at(factor, l, j);
      expect(product).toBeCloseTo(i === j ? 1 : 0, 6);
      if (j < i) expect(at(factor, i, j)).toBe(0);
    }
  }
  expect(inverseCholesky(Float64Array.of(1, 2, 2, 1), 2)).toBeUndefined();
});

describe('roundToCodes', () => {
  const size = 24;
  const rows = 6;
  const random = seededRandom(9);
  const weights = Float32Array.from({ length: rows * size }, () => random.normal());
  const covariance = [covarianceOf(size, 2)];
  const nearest = nearestCode(fullGrid(3));
  const scales = new Float32Array(rows).fill(0.8);
  const problem = { weights, rows, columns: size, blockColumns: size, covariance, scales, nearest, keepZero: false };

  const outputError = (codes: Int8Array, used: Float32Array): number => {
    let error = 0;
    for (let row = 0; row < rows; row++) {
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          const d = (k: number): number => weights[row * size + k]! - used[row]! * codes[row * size + k]!;
          error += d(i) * covariance[0]![i * size + j]! * d(j);
        }
      }
    }
    return error;
  };

  test('changes the output far less than rounding each weight to its nearest code', () => {
    const rounded = roundToCodes(problem);
    const plain = Int8Array.from(weights, (w) => nearest.of(w / 0.8));
    expect(outputError(rounded.codes, rounded.scales)).toBeLessThan(0.2 * outputError(plain, scales));
  });

  test('reports the error it leaves, up to the damping', () => {
    const { codes, scales: used, error } = roundToCodes(problem);
    const measured = outputError(codes, used);
    expect(error).toBeGreaterThanOrEqual(measured);
    expect(error).toBeLessThan(measured * 2);
  });

  test('is deterministic, leaves its input alone and keeps zeros zero', () => {
    const sparse = weights.map((w) => (Math.abs(w) < 0.5 ? 0 : w));
    const once = roundToCodes({ ...problem, weights: sparse, keepZero: true });
    expect(roundToCodes({ ...problem, weights: sparse, keepZero: true })).toEqual(once);
    sparse.forEach((w, i) => {
      if (w === 0) expect(once.codes[i]).toBe(0);
    });
    expect([...scales]).toEqual(Array.from({ length: rows }, () => Math.fround(0.8)));
  });
});

test('blocks hold whole channels of at most 576 columns', () => {
  expect(blockColumnsFor(576, 9)).toBe(576);
  expect(blockColumnsFor(4608, 9)).toBe(576);
  expect(blockColumnsFor(1000, 25)).toBe(575);
  expect(blockColumnsFor(2048, 1)).toBe(576);
});

test('patches are what a convolution sees, with zeros around the image', () => {
  const window = { kernel: [3, 3], strides: [2, 2], dilations: [1, 1], pads: [1, 1, 1, 1] } as const;
  const size = { channels: 1, height: 4, width: 4 };
  expect(outputOf(window, size)).toEqual({ top: 1, left: 1, rows: 2, columns: 2 });
  const values = Float32Array.from({ length: 16 }, (_, i) => i + 1);
  const patch = new Float32Array(9);
  copyPatch(values, 0, size, window, { top: -1, left: -1 }, 0, 1, patch, 0);
  expect([...patch]).toEqual([0, 0, 0, 0, 1, 2, 0, 5, 6]);
  expect(outputOf({ ...window, pads: 'SAME_LOWER' }, size)).toMatchObject({ top: 1, rows: 2 });
  expect(outputOf({ ...window, pads: 'SAME_UPPER' }, size)).toMatchObject({ top: 0, rows: 2 });
});

test.each([1, 2, 3])('a patch of a kernel of %i is copied alike inside the image and across its border', (side) => {
  const [height, width, channels] = [5, 6, 2];
  const kernel = [side, side] as const;
  const window = { kernel, strides: [1, 1] as const, dilations: [1, 2] as const, pads: [2, 2, 2, 2] as const };
  const values = Float32Array.from({ length: channels * height * width }, (_, i) => i + 1);
  for (let top = -2; top < height; top++) {
    for (let left = -2; left < width; left++) {
      const patch = new Float32Array(channels * side * side);
      copyPatch(values, 0, { channels, height, width }, window, { top, left }, 0, channels, patch, 0);
      const expected = Array.from(patch, (_, at) => {
        const [c, y, x] = [Math.floor(at / side ** 2), top + (Math.floor(at / side) % side), left + 2 * (at % side)];
        return y < 0 || y >= height || x < 0 || x >= width ? 0 : values[(c * height + y) * width + x];
      });
      expect([...patch]).toEqual(expected);
    }
  }
});

test('products by the runtime and by loops agree', async () => {
  const gram = await GramSession.open();
  const random = seededRandom(4);
  const x = Float32Array.from({ length: 10 * 40 }, () => random.normal());
  const wide = new Float32Array(40 * 40);
  await gram.addTo(wide, x, 10, 40);
  const narrow = new Float32Array(20 * 20);
  await gram.addTo(narrow, x, 20, 20);
  await gram.close();
  const expected = (columns: number, i: number, j: number): number => {
    let sum = 0;
    for (let row = 0; row < 400 / columns; row++) sum += x[row * columns + i]! * x[row * columns + j]!;
    return sum;
  };
  expect(wide[3 * 40 + 17]).toBeCloseTo(expected(40, 3, 17), 4);
  expect(narrow[3 * 20 + 17]).toBeCloseTo(expected(20, 3, 17), 4);
});
