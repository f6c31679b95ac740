import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Detection, intersectionOverUnion, suppressOverlaps } from '../../../inference/heads/detection.ts';
import type { Box } from '../../../inference/image.ts';

const corner = fc.integer({ min: 0, max: 200 });
const extent = fc.integer({ min: 1, max: 200 });
const boxes: fc.Arbitrary<Box> = fc.tuple(corner, corner, extent, extent);
const detections: fc.Arbitrary<Detection> = fc.record({
  classIndex: fc.integer({ min: 0, max: 2 }),
  score: fc.double({ min: 0.01, max: 1, noNaN: true }),
  box: boxes,
});

describe('overlap of two boxes', () => {
  it('is 1 for the box itself, the same both ways, and never outside 0 to 1', () => {
    fc.assert(
      fc.property(boxes, boxes, (a, b) => {
        const overlap = intersectionOverUnion(a, b);
        expect(intersectionOverUnion(a, a)).toBe(1);
        expect(overlap).toBe(intersectionOverUnion(b, a));
        expect(overlap).toBeGreaterThanOrEqual(0);
        expect(overlap).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('is a third for two halves that share half of each', () => {
    expect(intersectionOverUnion([0, 0, 2, 1], [1, 0, 2, 1])).toBeCloseTo(1 / 3);
  });
});

describe('suppressing overlaps', () => {
  it('leaves no two boxes that overlap more than their classes allow, and hides none without one that does', () => {
    fc.assert(
      fc.property(fc.array(detections, { maxLength: 12 }), fc.constantFrom(undefined, 0.6), (all, otherClass) => {
        const kept = suppressOverlaps(all, { sameClass: 0.45, otherClass });
        const near = (a: Detection, b: Detection) =>
          intersectionOverUnion(a.box, b.box) > (a.classIndex === b.classIndex ? 0.45 : (otherClass ?? 2));
        for (const a of kept) expect(kept.filter((b) => b === a || near(a, b))).toEqual([a]);
        for (const a of all.filter((each) => !kept.includes(each)))
          expect(kept.some((b) => b.score >= a.score && near(a, b))).toBe(true);
      }),
    );
  });
});
