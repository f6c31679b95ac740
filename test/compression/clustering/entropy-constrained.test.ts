import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterWeights } from '../../../compression/clustering/cluster.ts';
import { constrainEntropy } from '../../../compression/clustering/entropy-constrained.ts';
import { fullGrid, nearestCode } from '../../../compression/clustering/nearest.ts';
import { bitsPerCode, pricedCodes } from '../../../compression/clustering/priced-codes.ts';
import { absmaxScales } from '../../../compression/clustering/scales.ts';
import { seededRandom } from '../../../core/random.ts';

const random = seededRandom(11);
const [rows, columns] = [24, 400];
const weights = Float32Array.from({ length: rows * columns }, () => random.normal());
const matrix = {
  weights,
  rows,
  columns,
  importance: Float64Array.from({ length: columns }, () => 0.2 + random.next()),
};
/** Of 0.01 to 1 of a weight's variance. */
const PRICES = [0.003, 0.01, 0.03, 0.1, 0.3];

describe('codes that cost their bits', () => {
  it('are those that a search of all finds', () => {
    const books = fc.uniqueArray(fc.integer({ min: -64, max: 64 }), { minLength: 1, maxLength: 16 });
    const occurring = fc.array(fc.nat(15), { minLength: 1, maxLength: 60 });
    const values = fc.tuple(
      fc.double({ min: -80, max: 80, noNaN: true }),
      fc.double({ min: 0, max: 900, noNaN: true }),
    );
    fc.assert(
      fc.property(books, occurring, values, (book, places, [u, price]) => {
        const codes = Int8Array.from(book).sort();
        const seen = Int8Array.from(places, (place) => codes[place % codes.length] ?? 0);
        const total = seen.length + codes.length / 2;
        const costs = Array.from(codes, (code) => {
          const count = seen.filter((each) => each === code).length;
          return (u - code) ** 2 - price * Math.log2((count + 0.5) / total);
        });
        const found = pricedCodes(codes, seen).of(u, price);
        expect(costs[codes.indexOf(found)]).toBeCloseTo(Math.min(...costs), 6);
        expect(pricedCodes(codes, seen).of(u, 0)).toBe(nearestCode(codes).of(u));
      }),
    );
  });

  it('take fewer bits and leave more error the more a bit costs, and less of both together than the nearest codes', () => {
    const free = clusterWeights(matrix, { k: 16, limit: 127, sparseFrom: 0 });
    let [bits, error] = [bitsPerCode(free.codes), 0];
    for (const price of PRICES) {
      const found = clusterWeights(matrix, { k: 16, limit: 127, price });
      const now = bitsPerCode(found.codes);
      expect(now).toBeLessThan(bits);
      expect(found.error).toBeGreaterThan(error);
      const costOfFree = free.error + price * weights.length * bitsPerCode(free.codes);
      expect(found.error + price * weights.length * now).toBeLessThan(costOfFree);
      expect(found.codebooks[0]).toContain(0);
      expect(found.codebooks[0]?.length).toBeLessThanOrEqual(16);
      [bits, error] = [now, found.error];
    }
  });

  it('leave a Gaussian within 0.3 bits of its rate-distortion function (0.25 at high resolution, the rest is the grid)', () => {
    const plain = { ...matrix, importance: new Float64Array(columns).fill(1) };
    const energy = weights.reduce((sum, w) => sum + w * w, 0);
    for (const price of PRICES) {
      const { codes, error } = clusterWeights(plain, { k: 64, limit: 127, price });
      const bound = Math.log2(energy / error) / 2;
      expect(bitsPerCode(codes)).toBeGreaterThan(bound - 0.02);
      expect(bitsPerCode(codes)).toBeLessThan(bound + 0.3);
    }
  });

  it('report the error that they leave', () => {
    const scales = absmaxScales(matrix, 127);
    const {
      codes,
      error,
      scales: fitted,
    } = constrainEntropy(matrix, {
      ...{ codebook: fullGrid(127), scales, price: 0.02, limit: 127, refit: false },
    });
    let left = 0;
    for (let at = 0; at < weights.length; at++) {
      const value = (fitted[Math.floor(at / columns)] ?? 0) * (codes[at] ?? 0);
      left += (matrix.importance[at % columns] ?? 0) * ((weights[at] ?? 0) - value) ** 2;
    }
    expect(error).toBeCloseTo(left, 3);
  });

  it('are as before where a bit costs nothing', () => {
    expect(clusterWeights(matrix, { k: 16, limit: 127, price: 0 })).toEqual(
      clusterWeights(matrix, { k: 16, limit: 127 }),
    );
  });
});
