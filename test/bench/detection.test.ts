import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxAgreement } from '../../bench/detection/agreement.ts';
import { type Corners, type Detection, intersectionOverUnion, suppressOverlaps } from '../../bench/detection/boxes.ts';
import { decodeYolox } from '../../bench/detection/yolox.ts';

const corner = fc.integer({ min: 0, max: 200 });
const extent = fc.integer({ min: 1, max: 200 });
const boxes: fc.Arbitrary<Corners> = fc
  .tuple(corner, corner, extent, extent)
  .map(([x, y, w, h]) => [x, y, x + w, y + h] as const);
const detections: fc.Arbitrary<Detection> = fc.record({
  classIndex: fc.integer({ min: 0, max: 2 }),
  score: fc.double({ min: 0.01, max: 1, noNaN: true }),
  box: boxes,
});
const images = fc.array(fc.array(detections, { maxLength: 8 }), { maxLength: 4 });

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
    expect(intersectionOverUnion([0, 0, 2, 1], [1, 0, 3, 1])).toBeCloseTo(1 / 3);
  });
});

describe('suppressing overlaps', () => {
  it('leaves no two boxes of a class that overlap more than allowed, and hides none without one that does', () => {
    fc.assert(
      fc.property(fc.array(detections, { maxLength: 12 }), (all) => {
        const kept = suppressOverlaps(all, 0.45);
        const near = (a: Detection, b: Detection) =>
          a.classIndex === b.classIndex && intersectionOverUnion(a.box, b.box) > 0.45;
        for (const a of kept) expect(kept.filter((b) => near(a, b))).toEqual([a]);
        for (const a of all.filter((each) => !kept.includes(each)))
          expect(kept.some((b) => b.score >= a.score && near(a, b))).toBe(true);
      }),
    );
  });
});

describe('boxes from the output of YOLOX', () => {
  const side = 64;
  const cells = 8 ** 2 + 4 ** 2 + 2 ** 2;
  const outputWith = (cell: number, values: readonly number[]): Float32Array => {
    const output = new Float32Array(cells * 7);
    output.set(values, cell * 7);
    return output;
  };

  it('lie where their cell, offset and size say', () => {
    // Row 2, column 1 of the 4x4 grid, 16 pixels a cell: after the 64 cells of the first grid.
    const output = outputWith(64 + 2 * 4 + 1, [0.5, 0.25, Math.log(2), 0, 0.9, 0.1, 0.8]);
    const [found, ...others] = decodeYolox(output, { side, least: 0.3 });
    expect(others).toEqual([]);
    expect(found?.classIndex).toBe(1);
    expect(found?.score).toBeCloseTo(0.72);
    expect(found?.box.map((value) => Math.round(value))).toEqual([8, 28, 40, 44]);
  });

  it('are left out below the least score', () => {
    expect(decodeYolox(outputWith(0, [0, 0, 0, 0, 0.5, 0.5, 0.1]), { side, least: 0.3 })).toEqual([]);
  });
});

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
    const box = (classIndex: number, x: number): Detection => ({ classIndex, score: 0.5, box: [x, 0, x + 10, 10] });
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
