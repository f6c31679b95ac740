import { type Detection, intersectionOverUnion } from '../../inference/heads/detection.ts';

/** How far the boxes of one model are those of another. */
export interface BoxAgreement {
  /** Boxes expected, in all images. */
  readonly expected: number;
  readonly found: number;
  /** Share of the expected boxes that were found, 0 to 1. */
  readonly recall: number;
  /** Share of the found boxes that were expected, 0 to 1. */
  readonly precision: number;
  /** Harmonic mean of both. */
  readonly f1: number;
  /** Mean overlap of the pairs. */
  readonly iou: number;
  /** Mean difference of their scores. */
  readonly scoreError: number;
}

interface Pair {
  readonly iou: number;
  readonly scoreError: number;
}

const LEAST_OVERLAP = 0.5;

/** Pairs boxes of the same class, those of highest score first, each with the box that it overlaps most, by a half at least. */
function pairsOf(expected: readonly Detection[], found: readonly Detection[]): Pair[] {
  const left = new Set(found);
  return expected
    .toSorted((a, b) => b.score - a.score)
    .flatMap((wanted) => {
      const candidates = [...left]
        .filter(({ classIndex }) => classIndex === wanted.classIndex)
        .map((each) => ({ each, iou: intersectionOverUnion(wanted.box, each.box) }))
        .filter(({ iou }) => iou >= LEAST_OVERLAP)
        .sort((a, b) => b.iou - a.iou);
      const [best] = candidates;
      if (best === undefined) return [];
      left.delete(best.each);
      return [{ iou: best.iou, scoreError: Math.abs(wanted.score - best.each.score) }];
    });
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/**
 * Compares the boxes of two models, image by image.
 *
 * @param expected `[images][boxes]`
 */
export function boxAgreement(
  expected: readonly (readonly Detection[])[],
  found: readonly (readonly Detection[])[],
): BoxAgreement {
  const pairs = expected.flatMap((boxes, image) => pairsOf(boxes, found[image] ?? []));
  const [wanted, got] = [expected.flat().length, found.flat().length];
  return {
    expected: wanted,
    found: got,
    recall: pairs.length / Math.max(1, wanted),
    precision: pairs.length / Math.max(1, got),
    f1: (2 * pairs.length) / Math.max(1, wanted + got),
    iou: mean(pairs.map(({ iou }) => iou)),
    scoreError: mean(pairs.map(({ scoreError }) => scoreError)),
  };
}
