import type { Box } from '../../inference/image.ts';
import type { Proposal } from './motion-watch.ts';

/** What moves is classified up to so many a frame, the largest first: a crowd must not take the time of all other cameras. */
export const MOST_PROPOSALS = 16;

/** What a classifier is shown of something that moves. */
export interface Crop {
  /** Around what moves, in shares of the image. */
  readonly box: Box;
  /** Square in pixels, with a margin, inside the image. */
  readonly shown: Box;
}

/** Of the longer side, to each side: classifiers learned from things with something around them. */
const MARGIN = 0.1;

/** Squares around what moves: a model that stretches what it is shown stretches nothing then. @param aspect width of the image over its height */
export function cropsOf(proposals: readonly Proposal[], aspect: number): Crop[] {
  return proposals.map(({ box }) => {
    const [x, y, width, height] = box;
    const side = (1 + 2 * MARGIN) * Math.max(width * aspect, height); // in heights
    const [w, h] = [Math.min(1, side / aspect), Math.min(1, side)];
    const inside = (middle: number, length: number): number => Math.max(0, Math.min(1 - length, middle - length / 2));
    return { box, shown: [inside(x + width / 2, w), inside(y + height / 2, h), w, h] };
  });
}
