import { type Detection, intersectionOverUnion } from '../inference/heads/detection.ts';
import type { Box } from '../inference/image.ts';

/** An object that is there. */
export interface LabelledBox {
  readonly classIndex: number;
  readonly box: Box;
  /** Doubtful: neither missed nor found. @default false */
  readonly contested?: boolean;
}

interface LabelledImage {
  readonly truth: readonly LabelledBox[];
  readonly found: readonly Detection[];
}

/** Of one class. */
interface ClassPrecision {
  readonly classIndex: number;
  /** Uncontested objects. */
  readonly objects: number;
  /** Area under precision over recall, each precision raised to the highest at a higher recall (Everingham 2010); 0 to 1. */
  readonly precision: number;
}

const LEAST_OVERLAP = 0.5;

/**
 * Average precision by class of boxes that overlap what is there by at least a half (IoU): by falling score, each with the object that it
 * overlaps most, each object once.
 *
 * @returns classes with at least one object
 */
export function averagePrecisions(images: readonly LabelledImage[], classes: number): readonly ClassPrecision[] {
  return Array.from({ length: classes }, (_, classIndex) => {
    const objects = images.flatMap(({ truth }) => truth.filter((each) => isOf(each, classIndex) && !each.contested));
    return { classIndex, objects: objects.length, precision: precisionOf(images, classIndex, objects.length) };
  }).filter(({ objects }) => objects > 0);
}

/** Mean over the classes. */
export const meanPrecision = (classes: readonly ClassPrecision[]): number =>
  classes.reduce((sum, { precision }) => sum + precision, 0) / classes.length;

const isOf = (each: { readonly classIndex: number }, classIndex: number): boolean => each.classIndex === classIndex;

function precisionOf(images: readonly LabelledImage[], classIndex: number, objects: number): number {
  const ranked = images
    .flatMap(({ truth, found }) => outcomes(truth, found, classIndex))
    .sort((a, b) => b.score - a.score);
  let right = 0;
  const points = ranked.map((each, i) => {
    if (each.right) right++;
    return { recall: right / objects, precision: right / (i + 1) };
  });
  let [area, highest] = [0, 0];
  for (let i = points.length - 1; i >= 0; i--) {
    highest = Math.max(highest, points[i]!.precision);
    area += (points[i]!.recall - (points[i - 1]?.recall ?? 0)) * highest;
  }
  return area;
}

/** Of the boxes of one class in one image, which are right; those on contested objects count for nothing. */
function outcomes(
  truth: readonly LabelledBox[],
  found: readonly Detection[],
  classIndex: number,
): { readonly score: number; readonly right: boolean }[] {
  const left = new Set(truth.filter((each) => isOf(each, classIndex) && !each.contested));
  const doubtful = truth.filter(({ contested }) => contested === true);
  return found
    .filter((each) => isOf(each, classIndex))
    .toSorted((a, b) => b.score - a.score)
    .flatMap(({ box, score }): { readonly score: number; readonly right: boolean }[] => {
      const overlap = (other: LabelledBox): number => intersectionOverUnion(box, other.box);
      const best = [...left].reduce<LabelledBox | undefined>(
        (most, each) => (most === undefined || overlap(each) > overlap(most) ? each : most),
        undefined,
      );
      if (best !== undefined && overlap(best) >= LEAST_OVERLAP) {
        left.delete(best);
        return [{ score, right: true }];
      }
      return doubtful.some((each) => overlap(each) >= LEAST_OVERLAP) ? [] : [{ score, right: false }];
    });
}
