import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxAgreement } from '../../calibration/detection/agreement.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import type { Box } from '../../inference/image.ts';

const corner = fc.integer({ min: 0, max: 200 });
const extent = fc.integer({ min: 1, max: 200 });
const boxes: fc.Arbitrary<Box> = fc.tuple(corner, corner, extent, extent);
const detections: fc.Arbitrary<Detection> = fc.record({
  classIndex: fc.integer({ min: 0, max: 2 }),
  score: fc.double({ min: 0.01, max: 1, noNaN: true }),
  box: boxes,
});
const images = fc.array(fc.array(detections, { maxLength: 8 }), { maxLength: 4 });

describe('agreement of boxes', () => {
  it('of a model with itself is complete', () => {
    fc.assert(
      fc.property(images, (all) => {
        const { expected, found, recall, precision, scoreError } = boxAgreement(all, all);
        expect(found).toBe(expected);
        if (expected === 0) return;
        expect([recall, precision]).toEqual([1, 1]);
        expect(scoreError).toBeLessThan(1);
      }),
    );
  });

  it('counts a box of another class, a second one and a missing one', () => {
    const box = (classIndex: number, x: number): Detection => ({ classIndex, score: 0.5, box: [x, 0, 10, 10] });
    const result = boxAgreement([[box(0, 0), box(0, 100), box(1, 200)]], [[box(0, 1), box(0, 2), box(0, 200)]]);
    expect(result.recall).toBeCloseTo(1 / 3);
    expect(result.precision).toBeCloseTo(1 / 3);
    expect(result.iou).toBeCloseTo(9 / 11);
  });

  it('does not pair boxes of different images', () => {
    const one: Detection = { classIndex: 0, score: 0.5, box: [0, 0, 10, 10] };
    expect(boxAgreement([[one], []], [[], [one]]).f1).toBe(0);
  });
});
