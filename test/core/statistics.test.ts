import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { median, nearestRank, quantile, slope } from '../../core/statistics.ts';

const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });

describe('statistics', () => {
  it('interpolates between the two values around a share, whatever their order', () => {
    expect(quantile([40, 10, 20, 30], 0.5)).toBe(25);
    expect(quantile([40, 10, 20, 30], 0)).toBe(10);
    expect(quantile([40, 10, 20, 30], 1)).toBe(40);
  });

  it('keeps a median between the extremes and leaves its argument as it was', () => {
    fc.assert(
      fc.property(numbers, (values) => {
        const before = [...values];
        const middle = median(values);
        expect(values).toEqual(before);
        expect(middle).toBeGreaterThanOrEqual(Math.min(...values));
        expect(middle).toBeLessThanOrEqual(Math.max(...values));
      }),
    );
  });

  it('finds the slope of a line under symmetric noise', () => {
    const points = Array.from({ length: 100 }, (_, x) => [x, 3 * x + 7 + (x % 2 === 0 ? 0.5 : -0.5)] as const);
    expect(slope(points)).toBeCloseTo(3, 2);
  });
});

describe('nearest rank', () => {
  it('is the value that the given share of the values does not exceed', () => {
    const values = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0.01, max: 1, noNaN: true }), (list, share) => {
        const sorted = list.toSorted((a, b) => a - b);
        const value = nearestRank(list, share);
        expect(sorted).toContain(value);
        expect(sorted.filter((x) => x <= value).length / sorted.length).toBeGreaterThanOrEqual(share - 1e-9);
        expect(sorted.filter((x) => x < value).length / sorted.length).toBeLessThan(share + 1e-9);
      }),
    );
  });
});
