import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optimalKMeans } from '../../../compression/clustering/kmeans.ts';
import { clusterValues } from '../../../compression/clustering/values.ts';
import { seededRandom } from '../../../core/random.ts';

const floats = fc.float32Array({ noNaN: true, noDefaultInfinity: true, min: -8, max: 8, minLength: 1, maxLength: 60 });
const clusters = fc.integer({ min: 2, max: 12 });

describe('values of a whole layer', () => {
  it('become at most k of them, each the nearest there is, at the cost of exact k-means', () => {
    fc.assert(
      fc.property(floats, clusters, (values, k) => {
        const dense = values.map((value) => (value === 0 ? 1 : value));
        const { values: replaced, centroids, error } = clusterValues(dense, k);
        expect(centroids.length).toBeLessThanOrEqual(k);
        replaced.forEach((value, i) => {
          const nearest = Math.min(...centroids.map((centroid) => Math.abs(centroid - dense[i]!)));
          expect(Math.abs(value - dense[i]!)).toBeCloseTo(nearest, 5);
        });
        const sorted = [...dense].sort((a, b) => a - b);
        const { cost } = optimalKMeans({ values: sorted, weights: sorted.map(() => 1) }, k);
        const energy = dense.reduce((sum, value) => sum + value ** 2, 0);
        expect(error * energy).toBeCloseTo(cost, 3);
      }),
    );
  });

  it('stay exactly zero where many are', () => {
    const random = seededRandom(4);
    const values = Float32Array.from({ length: 400 }, (_, i) => (i % 4 === 0 ? 0 : random.normal()));
    const { values: replaced, centroids } = clusterValues(values, 5);
    expect(centroids).toContain(0);
    expect(centroids.length).toBeLessThanOrEqual(5);
    values.forEach((value, i) => {
      if (value === 0) expect(replaced[i]).toBe(0);
    });
  });

  it('lie closer together where they matter', () => {
    const values = Float32Array.from({ length: 200 }, (_, i) => i / 100 - 1.003);
    const { centroids } = clusterValues(values, 10, (i) => (values[i]! > 0 ? 100 : 1));
    expect(centroids.filter((centroid) => centroid > 0).length).toBeGreaterThan(6);
  });

  it('that are too many for exact k-means are clustered almost as well', () => {
    const random = seededRandom(8);
    const values = Float32Array.from({ length: 100_000 }, () => random.normal());
    const { error, centroids } = clusterValues(values, 16);
    expect(centroids).toHaveLength(16);
    expect(error).toBeGreaterThan(0.0092);
    expect(error).toBeLessThan(0.0098); // the best 16 levels of a normal distribution lose 0.009497 of its variance (Max 1960)
  });
});
