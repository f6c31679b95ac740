import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { autocorrelationTime, blockFrames } from '../../../deploy/trial/autocorrelation.ts';
import { halfWidth, RunningMoments } from '../../../deploy/trial/sequential.ts';

describe('the running moments', () => {
  it('are those of the whole series', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 50 }), (values) => {
        const running = new RunningMoments();
        for (const value of values) running.add(value);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
        expect(running.moments.mean).toBeCloseTo(mean, 10);
        expect(running.moments.deviation).toBeCloseTo(Math.sqrt(squares / (values.length - 1)), 10);
      }),
    );
  });
});

describe('the confidence sequence', () => {
  /** Share of series of mean 0 that ever leave it, looked at after every value. */
  function everLeft(alpha: number, looks: number, runs: number): number {
    const random = seededRandom(3);
    let left = 0;
    for (let run = 0; run < runs; run++) {
      const running = new RunningMoments();
      for (let look = 0; look < looks; look++) {
        running.add(random.normal());
        if (Math.abs(running.moments.mean) > halfWidth(running.moments, alpha, 0)) {
          left++;
          break;
        }
      }
    }
    return left / runs;
  }

  it('holds at every look together, where a fixed interval would not', () => {
    expect(everLeft(0.05, 500, 2000)).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / 2000));
  });

  it('grows narrower than any difference, and is no wider at a higher rate', () => {
    const at = (blocks: number, alpha: number) => halfWidth({ blocks, mean: 0, deviation: 1 }, alpha, 0);
    expect(at(3, 0.001)).toBe(Number.POSITIVE_INFINITY);
    expect(at(10_000, 0.01)).toBeLessThan(0.06);
    expect(at(100, 0.05)).toBeLessThan(at(100, 0.01));
  });

  it('takes a series of equal values for no more than the floor says', () => {
    expect(halfWidth({ blocks: 20, mean: 0, deviation: 0 }, 0.05, 0.1)).toBe(
      halfWidth({ blocks: 20, mean: 0, deviation: 0.1 }, 0.05, 0),
    );
  });
});

describe('the autocorrelation time', () => {
  it('is 1 of independent values and (1 + a) / (1 - a) of an autoregression', () => {
    const random = seededRandom(5);
    const noise = Array.from({ length: 20_000 }, () => random.normal());
    expect(autocorrelationTime(noise)).toBeCloseTo(1, 0);
    let last = 0;
    const remembered = noise.map((value) => {
      last = 0.8 * last + value;
      return last;
    });
    expect(Math.abs(autocorrelationTime(remembered) - 9)).toBeLessThan(1.5);
  });

  it('gives blocks within bounds, also where nothing varies', () => {
    expect(blockFrames(autocorrelationTime([0, 0, 0, 0]), 50, 1000)).toBe(50);
    expect(blockFrames(30, 50, 1000)).toBe(150);
    expect(blockFrames(3000, 50, 1000)).toBe(1000);
  });
});
