import { describe, expect, it } from 'vitest';
import { classesOf, decodeDetections } from '../../../inference/heads/decode.ts';
import { type Detection, intersectionOverUnion, suppressOverlaps } from '../../../inference/heads/detection.ts';
import { COCO_CLASSES, cellsOf, type DetectorHead, HEADS } from '../../../inference/heads/head.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';

const CLASSES = 3;
const SIDE = 64;
/** Twice as wide as high: scaled to 64x32, the lower half of the input is padding. */
const IMAGE = { width: 128, height: 64 };

const preprocessingOf = (resize: Preprocessing['resize']): Preprocessing => ({
  ...HEADS.yolox.preprocessing,
  resize,
  size: [SIDE, SIDE],
  layout: 'NCHW',
});

/** An output without objects, and the values of one cell of the grid of stride 8. */
function emptyOutput(head: DetectorHead, column: number, row: number): { output: Float32Array; cell: Float32Array } {
  const values = CLASSES + (head.score === 'objectness' ? 5 : 4 * (head.bins ?? 1));
  const output = new Float32Array(values * cellsOf(head, [SIDE, SIDE]));
  const at = (row * (SIDE / 8) + column) * values;
  return { output, cell: output.subarray(at, at + values) };
}

const found = (output: Float32Array, head: DetectorHead, resize: Preprocessing['resize']): Detection[] =>
  decodeDetections(output, { head, preprocessing: preprocessingOf(resize), image: IMAGE });

const closeTo = (values: readonly number[]): unknown[] => values.map((value) => expect.closeTo(value, 5) as unknown);

describe('decodeDetections', () => {
  it('reads cells as YOLOX writes them, through the letterbox back to the image', () => {
    const { head } = HEADS.yolox;
    const { output, cell } = emptyOutput(head, 3, 1);
    // Centre (3.5, 1.5) * 8 = (28, 12), size 8 * 2 by 8: of an image scaled by a half, from (20, 8) of 64x32.
    cell.set([0.5, 0.5, Math.log(2), 0, 0.9, 0.1, 0.8, 0.2]);
    expect(found(output, head, { letterbox: 114 })).toEqual([
      { box: closeTo([20 / 64, 8 / 32, 16 / 64, 8 / 32]), classIndex: 1, score: expect.closeTo(0.72, 5) },
    ]);
  });

  it('reads boxes that are decoded already', () => {
    const { head } = HEADS['yolox-decoded'];
    const { output, cell } = emptyOutput(head, 0, 0);
    cell.set([32, 32, 16, 8, 1, 0, 0, 1]);
    expect(found(output, head, 'stretch')).toMatchObject([
      { box: closeTo([24 / 64, 28 / 64, 16 / 64, 8 / 64]), classIndex: 2 },
    ]);
  });

  it('reads distributions of distances as NanoDet-Plus writes them', () => {
    const { head } = HEADS['nanodet-plus'];
    const { output, cell } = emptyOutput(head, 4, 4);
    cell.set([0, 0.6, 0]);
    // Nearly all of each distribution on one bin: 1 left, 2 up, 3 right, 2.5 down (between two bins).
    for (const [side, bins] of [[1], [2], [3], [2, 3]].entries())
      for (const bin of bins) cell[CLASSES + side * 8 + bin] = 50;
    const box = [(32 - 8) / 64, (32 - 16) / 64, 32 / 64, 36 / 64];
    expect(found(output, head, 'stretch')).toEqual([
      { box: closeTo(box), classIndex: 1, score: expect.closeTo(0.6, 5) },
    ]);
  });

  it('keeps boxes down to a score of 0.1, and none that is not finite', () => {
    const { head } = HEADS.yolox;
    for (const [score, number] of [
      [0.11, 1],
      [0.09, 0],
      [Number.NaN, 0],
    ] as const) {
      const { output, cell } = emptyOutput(head, 3, 3);
      cell.set([0.5, 0.5, 0, 0, score, 1, 0, 0]);
      expect(found(output, head, 'stretch')).toHaveLength(number);
    }
    const { output, cell } = emptyOutput(head, 3, 3);
    cell.set([0.5, 0.5, 1000, 0, 0.9, 1, 0, 0]);
    expect(found(output, head, 'stretch')).toEqual([]);
  });
});

describe('suppressOverlaps', () => {
  const at = (x: number, score: number, classIndex = 0): Detection => ({ box: [x, 0, 1, 1], classIndex, score });

  it('keeps the best of each class', () => {
    const kept = suppressOverlaps([at(0, 0.5), at(0.1, 0.9), at(0.1, 0.4, 1), at(2, 0.3)], { sameClass: 0.45 });
    expect(kept).toEqual([at(0.1, 0.9), at(0.1, 0.4, 1), at(2, 0.3)]);
  });

  it('knows that an overlap by a half of each is a third of both', () => {
    expect(intersectionOverUnion([0, 0, 1, 1], [0.5, 0, 1, 1])).toBeCloseTo(1 / 3, 10);
    expect(intersectionOverUnion([0, 0, 1, 1], [1, 0, 1, 1])).toBe(0);
  });
});

describe('classesOf', () => {
  it('takes an output that fits the head, and refuses another', () => {
    expect(COCO_CLASSES).toHaveLength(80);
    expect(classesOf([1, 3549, 85], HEADS.yolox.head, [416, 416])).toBe(80);
    expect(classesOf([1, 'cells', 85], HEADS.yolox.head, [416, 416])).toBe(80);
    for (const dims of [
      [1, 1000],
      [1, 8400, 85],
      [1, 3549, 5],
    ])
      expect(() => classesOf(dims, HEADS.yolox.head, [416, 416])).toThrow(
        expect.objectContaining({ code: 'MODEL_UNSUPPORTED' }),
      );
  });
});
