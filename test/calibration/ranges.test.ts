import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Histogram } from '../../calibration/histogram.ts';
import { RANGE_METHODS } from '../../calibration/ranges/methods.ts';
import { mse, quantizationError } from '../../calibration/ranges/mse.ts';
import { percentile } from '../../calibration/ranges/percentile.ts';
import { seededRandom } from '../../core/random.ts';

function histogramOf(values: ArrayLike<number>): Histogram {
  const histogram = new Histogram();
  histogram.add(values);
  return histogram;
}

const normals = (count: number, map = (x: number) => x, seed = 1): Float32Array => {
  const random = seededRandom(seed);
  return Float32Array.from({ length: count }, () => map(random.normal()));
};

/** Mean squared error of an 8-bit code, value by value. */
function trueError(values: Float32Array, { min, max }: { min: number; max: number }): number {
  const step = (max - min) / 255;
  const zeroPoint = Math.round(-min / step);
  return values.reduce((sum, x) => {
    const code = Math.min(255, Math.max(0, Math.round(x / step) + zeroPoint));
    return sum + (x - (code - zeroPoint) * step) ** 2;
  }, 0);
}

const relu = (x: number) => Math.max(0, x);

describe('range methods', () => {
  it('hold zero, and stay inside what was seen and zero', () => {
    const values = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(values, (seen) => {
        const histogram = histogramOf(seen);
        for (const method of Object.values(RANGE_METHODS)) {
          const { min, max } = method(histogram);
          expect(min).toBeLessThanOrEqual(0);
          expect(max).toBeGreaterThanOrEqual(0);
          expect(min).toBeGreaterThanOrEqual(Math.min(0, histogram.min));
          expect(max).toBeLessThanOrEqual(Math.max(0, histogram.max));
        }
      }),
      { numRuns: 40 },
    );
  });

  it('refuse to choose from nothing', () => {
    for (const method of Object.values(RANGE_METHODS)) {
      expect(() => method(new Histogram())).toThrow(expect.objectContaining({ code: 'CALIBRATION_INVALID' }));
    }
  });

  it('give an all-zero value the empty range', () => {
    for (const method of Object.values(RANGE_METHODS))
      expect(method(histogramOf([0, 0, 0]))).toEqual({ min: 0, max: 0 });
  });
});

describe('percentile', () => {
  it('is the quantile of the values', () => {
    const values = normals(200_000, Math.abs);
    const sorted = [...values].sort((a, b) => a - b);
    const { max } = percentile(histogramOf(values), { percentile: 99 });
    expect(max).toBeCloseTo(sorted[Math.floor(0.99 * sorted.length)]!, 2);
  });

  it('leaves half out at each end where values have both signs', () => {
    const values = normals(200_000);
    const sorted = [...values].sort((a, b) => a - b);
    const { min, max } = percentile(histogramOf(values), { percentile: 98 });
    expect(min).toBeCloseTo(sorted[Math.floor(0.01 * sorted.length)]!, 1);
    expect(max).toBeCloseTo(sorted[Math.floor(0.99 * sorted.length)]!, 1);
  });
});

describe('mse', () => {
  const distributions: [string, Float32Array][] = [
    ['normal', normals(50_000)],
    ['normal after a ReLU', normals(50_000, relu)],
    ['heavy-tailed', normals(50_000, (x) => x ** 3)],
    ['heavy-tailed after a ReLU', normals(50_000, (x) => relu(x ** 3))],
    ['one outlier', Float32Array.of(...normals(20_000), 200)],
  ];

  it.each(distributions)('estimates the error from the histogram: %s', (_, values) => {
    const histogram = histogramOf(values);
    for (const clip of [1, 0.6, 0.3]) {
      const range = { min: Math.min(0, histogram.min) * clip, max: histogram.max * clip };
      const estimate = quantizationError(histogram, range) / trueError(values, range);
      expect(estimate).toBeGreaterThan(0.9);
      expect(estimate).toBeLessThan(1.1);
    }
  });

  it.each(distributions)('is what trying every clip to its end leads to: %s', (_, values) => {
    const histogram = histogramOf(values);
    const full = { min: Math.min(0, histogram.min), max: Math.max(0, histogram.max) };
    const shares = Array.from({ length: 100 }, (_, i) => (i + 1) / 100);
    const bestOf = (ranges: { min: number; max: number }[]) => {
      const errors = ranges.map((range) => quantizationError(histogram, range));
      return ranges[errors.indexOf(Math.min(...errors))]!;
    };
    const upper = (range: { min: number; max: number }) =>
      bestOf([range, ...shares.map((share) => ({ min: range.min, max: full.max * share }))]);
    let range = upper(full);
    if (full.min < 0) {
      range = bestOf([range, ...shares.map((share) => ({ min: full.min * share, max: range.max }))]);
      range = upper(range);
    }
    expect(mse(histogram)).toEqual(range);
  });

  it.each(distributions)('makes a smaller error than min-max and than other clips: %s', (_, values) => {
    const histogram = histogramOf(values);
    const least = trueError(values, mse(histogram));
    for (let clip = 0.05; clip <= 1; clip += 0.05) {
      const range = { min: Math.min(0, histogram.min) * clip, max: histogram.max * clip };
      expect(least).toBeLessThanOrEqual(trueError(values, range) * 1.02);
    }
  });
});

describe('entropy', () => {
  it('cuts a far tail off and keeps a bounded distribution whole', () => {
    const random = seededRandom(3);
    const uniform = Float32Array.from({ length: 100_000 }, () => random.next());
    expect(RANGE_METHODS.entropy(histogramOf(uniform)).max).toBeGreaterThan(0.97);
    const tailed = histogramOf(normals(100_000, (x) => Math.abs(x) ** 3));
    expect(RANGE_METHODS.entropy(tailed).max).toBeLessThan(tailed.max * 0.9);
  });
});
