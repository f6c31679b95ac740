import type { Box } from '../image.ts';

/** An object that a detector found in an image. */
export interface Detection {
  /** `[x, y, width, height]` in shares of the image, from the top left; may reach beyond it. */
  readonly box: Box;
  readonly classIndex: number;
  /** 0 to 1. */
  readonly score: number;
}

/** Trackers ask for boxes of low score too: an object half hidden is still the object (ByteTrack, Zhang 2022). */
export const LEAST_SCORE = 0.1;

/** Area that both cover as a share of the area that either covers, 0 to 1. */
export function intersectionOverUnion([ax, ay, aw, ah]: Box, [bx, by, bw, bh]: Box): number {
  const width = Math.min(ax + aw, bx + bw) - Math.max(ax, bx);
  const height = Math.min(ay + ah, by + bh) - Math.max(ay, by);
  if (width <= 0 || height <= 0) return 0;
  const both = width * height;
  return both / (aw * ah + bw * bh - both);
}

/** Overlaps above which the box of lower score is hidden, 0 to 1. */
interface SuppressionLimits {
  /** Of two boxes of one class. */
  readonly sameClass: number;
  /** Of two boxes of different classes. @default none hide each other */
  readonly otherClass?: number | undefined;
}

/**
 * Non-maximum suppression: of boxes that overlap by more than the limit only the one of highest score stays.
 *
 * @returns by falling score
 */
export function suppressOverlaps(
  detections: readonly Detection[],
  { sameClass, otherClass = 1 }: SuppressionLimits,
): Detection[] {
  const kept: Detection[] = [];
  for (const each of detections.toSorted((a, b) => b.score - a.score)) {
    const hidden = kept.some((other) => {
      const most = other.classIndex === each.classIndex ? sameClass : otherClass;
      return most < 1 && intersectionOverUnion(other.box, each.box) > most;
    });
    if (!hidden) kept.push(each);
  }
  return kept;
}
