import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { averagePrecisions, type LabelledBox, meanPrecision } from '../../calibration/average-precision.ts';
import type { Detection } from '../../inference/heads/detection.ts';

const object = (x: number, classIndex = 0): LabelledBox => ({ classIndex, box: [x, 0, 1, 1] });
const box = (x: number, score: number, classIndex = 0): Detection => ({ classIndex, box: [x, 0, 1, 1], score });

describe('averagePrecisions', () => {
  it('is the area under precision over recall', () => {
    // By falling score: right, false, right. Precision 1 up to a half of the two objects, then 2/3.
    const image = { truth: [object(0), object(5)], found: [box(0, 0.9), box(9, 0.8), box(5.2, 0.7)] };
    const [only] = averagePrecisions([image], 1);
    expect(only).toEqual({ classIndex: 0, objects: 2, precision: expect.closeTo(0.5 + (0.5 * 2) / 3, 9) as unknown });
  });

  it('ranks boxes over all images, counts each object once and wants half of the overlap', () => {
    const images = [
      { truth: [object(0)], found: [box(0, 0.5), box(0.1, 0.9)] },
      { truth: [object(0)], found: [box(0.4, 0.7)] },
    ];
    // 0.9 right, 0.7 overlaps by 0.6 / 1.4 and is false, 0.5 is a second box of one object and false.
    expect(averagePrecisions(images, 1)[0]?.precision).toBeCloseTo(0.5, 9);
  });

  it('leaves contested objects and boxes on them out, and classes without objects', () => {
    const image = {
      truth: [object(0, 1), { ...object(5, 1), contested: true }],
      found: [box(5, 0.9, 1), box(0, 0.8, 1), box(3, 0.7, 0)],
    };
    const found = averagePrecisions([image], 3);
    expect(found).toEqual([{ classIndex: 1, objects: 1, precision: 1 }]);
    expect(meanPrecision(found)).toBe(1);
  });

  it('is 1 where exactly the objects are found, whatever the scores, and less by whatever is missed', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.1, max: 1, noNaN: true }), { minLength: 2, maxLength: 8 }), (scores) => {
        const truth = scores.map((_, i) => object(3 * i));
        const found = scores.map((score, i) => box(3 * i, score));
        expect(averagePrecisions([{ truth, found }], 1)[0]?.precision).toBeCloseTo(1, 9);
        const fewer = found.slice(1);
        expect(averagePrecisions([{ truth, found: fewer }], 1)[0]?.precision).toBeCloseTo(
          fewer.length / found.length,
          9,
        );
      }),
    );
  });
});
