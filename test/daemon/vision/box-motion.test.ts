import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BoxMotion, observation } from '../../../daemon/vision/box-motion.ts';
import { atRest, corrected, predicted } from '../../../daemon/vision/kalman.ts';
import type { Box } from '../../../inference/image.ts';

const number = (min: number, max: number) => fc.double({ min, max, noNaN: true });

describe('a coordinate', () => {
  it('is as well known after one step as after the parts of it', () => {
    fc.assert(
      fc.property(number(-1, 1), number(0.01, 1), number(0.01, 0.99), number(0.1, 3), (place, seconds, part, push) => {
        const begun = corrected(predicted(atRest(place, 0.1, 1), 0.2, push), place + 0.1, 0.1);
        const [one, two] = [
          predicted(begun, seconds, push),
          predicted(predicted(begun, part * seconds, push), (1 - part) * seconds, push),
        ];
        for (const key of ['place', 'rate', 'a', 'b', 'c'] as const) expect(two[key]).toBeCloseTo(one[key], 9);
      }),
    );
  });

  it('lies between what was expected and what was seen, and is known better than by either', () => {
    fc.assert(
      fc.property(number(-1, 1), number(-1, 1), number(0.01, 1), number(0.01, 1), (place, seen, known, error) => {
        const { place: now, a } = corrected(atRest(place, known, 1), seen, error);
        expect(now).toBeGreaterThanOrEqual(Math.min(place, seen) - 1e-12);
        expect(now).toBeLessThanOrEqual(Math.max(place, seen) + 1e-12);
        expect(a).toBeLessThan(Math.min(known, error) ** 2 + 1e-12);
      }),
    );
  });
});

/** A motion that saw `at(time)` at 10 frames a second until `until`. */
function seenOver(at: (time: number) => Box, until: number): BoxMotion {
  const motion = new BoxMotion(at(0), 0, 2);
  for (let i = 1; i <= until * 10; i++) {
    motion.predict(i / 10);
    motion.observe(at(i / 10), i / 10, 0.1);
  }
  return motion;
}

describe('BoxMotion', () => {
  const driving = (time: number): Box => [0.2 + 0.2 * time, 0.4, 0.3, 0.2];

  it('expects an object where a constant velocity takes it', () => {
    const motion = seenOver(driving, 2);
    motion.predict(3);
    for (const [k, value] of motion.box.entries()) expect(value).toBeCloseTo(driving(3)[k] ?? 0, 1);
  });

  it('is the more surprised the further a box is, and the less the longer nothing was seen', () => {
    const motion = seenOver(driving, 2);
    const surprises = (time: number): number[] => {
      motion.predict(time);
      return [0, 0.05, 0.1, 0.2].map((off) => {
        const [x, y, w, h] = driving(time);
        return motion.surprise(observation([x + off, y, w, h]), 0.1);
      });
    };
    const [soon, late] = [surprises(2.1), surprises(3.5)];
    expect(soon).toEqual(soon.toSorted((a, b) => a - b));
    expect(late.at(-1)).toBeLessThan(soon.at(-1) ?? 0);
    // A place that is hardly known is no better a match for who stands exactly there.
    expect(late[0]).toBeGreaterThan(soon[0] ?? 0);
  });

  it('knows where an object is that the edge of the image cuts, and that it is gone', () => {
    const cut = (time: number): Box => {
      const [x, y, w, h] = driving(time);
      return [x, y, Math.max(0.01, Math.min(2, x + w) - x), h];
    };
    const motion = seenOver(cut, 8.5);
    expect(motion.inside).toBeGreaterThan(0.2);
    expect(motion.inside).toBeLessThan(0.5);
    motion.predict(9.2);
    expect(motion.inside).toBeLessThan(0.1);
  });

  it('does not take a half-entered object for one that is there as a whole', () => {
    const entering = (time: number): Box => [0, 0.4, Math.min(0.4, 0.05 + 0.15 * time), 0.2];
    const motion = seenOver(entering, 1);
    expect(motion.box[2]).toBeCloseTo(0.2, 1);
    expect(motion.inside).toBeCloseTo(1, 1);
  });
});
