import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DurationHistogram } from '../../../daemon/telemetry/quantiles.ts';

describe('DurationHistogram', () => {
  it('is within 3% of the exact percentile', () => {
    const durations = fc.array(fc.double({ min: 0.02, max: 50_000, noNaN: true }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(durations, (samples) => {
        const histogram = new DurationHistogram();
        for (const sample of samples) histogram.add(sample);
        const { count, p50, p95, p99 } = histogram.take();
        expect(count).toBe(samples.length);
        const sorted = samples.toSorted((a, b) => a - b);
        for (const [share, got] of [
          [0.5, p50],
          [0.95, p95],
          [0.99, p99],
        ] as const) {
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
          expect(Math.abs((got ?? Number.NaN) - exact)).toBeLessThanOrEqual(0.03 * exact + 0.001);
        }
      }),
    );
  });

  it('says null, not 0, when nothing was measured, and starts anew after each reading', () => {
    const histogram = new DurationHistogram();
    histogram.add(5);
    histogram.take();
    expect(histogram.take()).toEqual({ count: 0, p50: null, p95: null, p99: null });
  });
});
