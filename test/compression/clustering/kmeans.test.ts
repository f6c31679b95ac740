import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { optimalKMeans } from '../../../compression/clustering/kmeans.ts';

/** Every way to cut a line of points into at most k intervals. */
function bruteForce(values: readonly number[], weights: readonly number[], k: number): number {
  const cost = (from: number, to: number): number => {
    let mass = 0;
    let sum = 0;
    for (let i = from; i < to; i++) {
      mass += weights[i]!;
      sum += weights[i]! * values[i]!;
    }
    const mean = mass > 0 ? sum / mass : 0;
    let total = 0;
    for (let i = from; i < to; i++) total += weights[i]! * (values[i]! - mean) ** 2;
    return total;
  };
  const best = (from: number, parts: number): number => {
    if (from === values.length) return 0;
    if (parts === 1) return cost(from, values.length);
    let least = Number.POSITIVE_INFINITY;
    for (let to = from + 1; to <= values.length; to++) least = Math.min(least, cost(from, to) + best(to, parts - 1));
    return least;
  };
  return best(0, k);
}

const points = fc
  .array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: 0, max: 5 })), { minLength: 1, maxLength: 9 })
  .map((pairs) => pairs.sort(([a], [b]) => a - b))
  .map((pairs) => ({ values: pairs.map(([value]) => value), weights: pairs.map(([, weight]) => weight) }));

describe('optimal k-means on a line', () => {
  test('costs what the best of all partitions costs', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 2, max: 5 }), ({ values, weights }, k) => {
        expect(optimalKMeans({ values, weights }, k).cost).toBeCloseTo(bruteForce(values, weights, k), 6);
      }),
    );
  });

  test('its centroids and starts account for its cost', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 2, max: 5 }), ({ values, weights }, k) => {
        const { centroids, starts, cost } = optimalKMeans({ values, weights }, k);
        let total = 0;
        values.forEach((value, i) => {
          const cluster = starts.findLastIndex((start) => start <= i);
          total += weights[i]! * (value - centroids[cluster]!) ** 2;
        });
        expect(total).toBeCloseTo(cost, 6);
        expect([...centroids]).toEqual([...centroids].sort((a, b) => a - b));
      }),
    );
  });

  test('keeps every distinct value where there are few', () => {
    const { centroids, cost } = optimalKMeans({ values: [1, 1, 2, 5], weights: [1, 1, 1, 1] }, 16);
    expect([...centroids]).toEqual([1, 2, 5]);
    expect(cost).toBe(0);
  });

  test.each([0, 1, 1.5, 257, Number.NaN])('refuses %s clusters', (k) => {
    expect(() => optimalKMeans({ values: [1], weights: [1] }, k)).toThrow(
      expect.objectContaining({ code: 'CLUSTER_INVALID' }),
    );
  });

  test('refuses points that are not ascending or not finite', () => {
    for (const values of [
      [2, 1],
      [0, Number.NaN],
    ]) {
      expect(() => optimalKMeans({ values, weights: [1, 1] }, 2)).toThrow(
        expect.objectContaining({ code: 'CLUSTER_INVALID' }),
      );
    }
  });
});
