import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BINS, Histogram } from '../../calibration/histogram.ts';
import { seededRandom } from '../../core/random.ts';

const value = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.float({ min: -8, max: 8, noNaN: true }),
  fc.constantFrom(0, -0),
);
const values = fc.array(value, { minLength: 1, maxLength: 200 });

function counted(...parts: readonly (readonly number[])[]): Histogram {
  const histogram = new Histogram();
  for (const part of parts) histogram.add(part);
  return histogram;
}

const state = ({ min, max, total, zeros, width, low, counts }: Histogram) => ({
  min,
  max,
  total,
  zeros,
  width,
  low,
  counts,
});

describe('Histogram', () => {
  it('counts every value in the bin that holds it', () => {
    fc.assert(
      fc.property(values, (all) => {
        const { counts, low, width } = counted(all);
        const expected = new Float64Array(BINS);
        for (const x of all) expected[Math.floor(x / width) - Math.round(low / width)]! += 1;
        expect(counts).toEqual(expected);
      }),
    );
  });

  it('keeps the range exact and inside its bins', () => {
    fc.assert(
      fc.property(values, (all) => {
        const { min, max, low, width, counts } = counted(all);
        expect([min, max]).toEqual([Math.min(...all) + 0, Math.max(...all) + 0]);
        expect(low).toBeLessThanOrEqual(min);
        expect(low + counts.length * width).toBeGreaterThan(max);
      }),
    );
  });

  it('does not depend on how values are ordered or parted', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const together = state(counted([...a, ...b]));
        expect(state(counted(a, b))).toEqual(together);
        expect(state(counted(b, a))).toEqual(together);
        expect(state(counted(...[...b, ...a].map((x) => [x])))).toEqual(together);
      }),
    );
  });

  it('merges to what counting all values in one gives', () => {
    fc.assert(
      fc.property(values, values, (a, b) => {
        const merged = counted(a);
        merged.merge(counted(b));
        expect(state(merged)).toEqual(state(counted([...a, ...b])));
      }),
    );
  });

  it('uses half of its bins at least, as soon as values differ enough', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        (span, from) => {
          fc.pre(Math.abs(from) < span * 1e4);
          const { width } = counted([from, from + span]);
          expect(span / width).toBeGreaterThan(BINS / 2 - 2);
        },
      ),
    );
  });

  it('takes the same memory after a thousand doublings as at the start', () => {
    const histogram = new Histogram();
    const bins = histogram.counts.byteLength;
    for (let exponent = -100; exponent < 100; exponent++) histogram.add([2 ** exponent, -(2 ** exponent)]);
    expect(histogram.counts.byteLength).toBe(bins);
    expect(histogram.total).toBe(400);
    expect(histogram.counts.reduce((a, b) => a + b, 0)).toBe(400);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'refuses %d and stays as it was',
    (wrong) => {
      const histogram = counted([1, 2]);
      const before = state(histogram);
      expect(() => histogram.add([3, wrong])).toThrow(expect.objectContaining({ code: 'CALIBRATION_INVALID' }));
      expect(state(histogram)).toEqual(before);
    },
  );

  it('counts many values at once as it counts them one by one', () => {
    const random = seededRandom(5);
    const many = Float32Array.from({ length: 8 * BINS + 3 }, (_, i) => {
      const drawn = random.normal() * (i % 7 === 0 ? 1e-30 : 3);
      return i % 3 === 0 ? 0 : i % 5 === 0 ? -0 : drawn;
    });
    const one = new Histogram();
    for (let at = 0; at < many.length; at += 100) one.add([...many.subarray(at, at + 100)]);
    const whole = new Histogram();
    whole.add(many);
    expect(state(whole)).toEqual(state(one));
    const broken = many.slice();
    broken[4321] = Number.NaN;
    expect(() => new Histogram().add(broken)).toThrow(expect.objectContaining({ code: 'CALIBRATION_INVALID' }));
  });
});
