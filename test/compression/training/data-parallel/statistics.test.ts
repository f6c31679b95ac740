import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ofWholeBatch, shardsOf } from '../../../../compression/training/data-parallel/shards.ts';
import { pooledStatistics } from '../../../../compression/training/data-parallel/statistics.ts';

const moments = (values: readonly number[]): [number, number] => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [mean, values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length];
};

it('gives mean and variance of a batch from those of its equal parts', () => {
  const part = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(fc.tuple(part, part), { minLength: 1, maxLength: 5 }), (parts) => {
      const [means, variances] = pooledStatistics(
        parts.map((channels) => {
          const found = channels.map(moments);
          return [Float32Array.from(found, ([mean]) => mean), Float32Array.from(found, ([, variance]) => variance)];
        }),
      ) as [Float32Array, Float32Array];
      for (const channel of [0, 1]) {
        const [mean, variance] = moments(parts.flatMap((channels) => channels[channel]!));
        expect(means[channel]).toBeCloseTo(mean, 3);
        expect(Math.abs(variances[channel]! - variance)).toBeLessThan(1e-3 + 1e-4 * variance);
      }
    }),
  );
});

it.each([
  [128, 1, 1],
  [128, 2, 2],
  [128, 3, 2],
  [128, 4, 4],
  [128, 64, 8],
  [96, 3, 3],
  [32, 4, 2],
  [31, 4, 1],
  [16, 4, 1],
])('divides %i images among %i threads into %i parts', (batch, threads, shards) => {
  expect(shardsOf(batch, threads)).toBe(shards);
});

it('counts the elements of the whole batch', () => {
  const one = { mean: 'm', variance: 'v', batchMean: 'bm', batchVariance: 'bv', count: 50 };
  expect(ofWholeBatch([one], 4)).toEqual([{ ...one, count: 200 }]);
});
