import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distance, noiseShare } from '../../../exporter/search/divergence.ts';

const row = fc.float32Array({ minLength: 6, maxLength: 6, noNaN: true, min: -100, max: 100 });
const images = fc.array(row, { minLength: 2, maxLength: 6 });

describe('the share of noise in outputs', () => {
  it('is 0 for the outputs themselves', () => {
    fc.assert(
      fc.property(images, (values) => {
        expect(noiseShare(values, values)).toBe(0);
      }),
    );
  });

  it('is 1 for a model that always answers the mean', () => {
    const values = [Float32Array.of(1, 5, 0), Float32Array.of(3, -5, 0)];
    const mean = Float32Array.of(2, 0, 0);
    expect(noiseShare(values, [mean, mean])).toBeCloseTo(1);
  });

  it('does not count what an output always says as signal', () => {
    const values = [Float32Array.of(1000, 1), Float32Array.of(1000, -1)];
    const got = [Float32Array.of(1000, 1.5), Float32Array.of(1000, -1)];
    expect(noiseShare(values, got)).toBeCloseTo(0.25 / 2);
  });
});

describe('the distance of answers', () => {
  it('weighs every output alike, whatever its unit', () => {
    const small = [Float32Array.of(0.1), Float32Array.of(-0.1)];
    const large = [Float32Array.of(100), Float32Array.of(-100)];
    const off = [Float32Array.of(0), Float32Array.of(0)];
    const expected = { probabilities: [], values: [small, large], labels: [0, 0] };
    expect(distance(expected, { ...expected, values: [off, large] })).toBeCloseTo(0.5);
    expect(distance(expected, { ...expected, values: [small, off] })).toBeCloseTo(0.5);
  });

  it('of class probabilities is their divergence', () => {
    const expected = { probabilities: [Float32Array.of(0.5, 0.5)], labels: [0] };
    const got = { probabilities: [Float32Array.of(0.25, 0.75)], labels: [0] };
    expect(distance(expected, got)).toBeCloseTo(0.5 * Math.log(2) + 0.5 * Math.log(2 / 3));
  });
});
