import type { RgbImage } from './image.ts';

/** Of a box in a golden sample: class, score, x, y, width, height. All that a detector says of an image of 416x416 would be 1.2 MB. */
export const GOLDEN_VALUES = 6;

/**
 * An image and the scores this exact model file gave for it; of what finds objects the boxes, `GOLDEN_VALUES` each. A grid's may be all of its
 * output, as they were before there were grids of so many cells.
 */
export interface GoldenSample {
  readonly image: RgbImage;
  readonly scores: Float32Array;
}

/**
 * Share of a sample's spread (highest minus lowest score) by which a score may differ on another processor.
 *
 * Integer products are exact everywhere, except where U8S8 products saturate in 16 bits (x86 without VNNI): that is what
 * the samples are there to find. What legitimately differs is float: the order of summation and fused multiply-add move a
 * value by some 1e-7 of itself, which at a rounding boundary flips one activation code, and later layers carry it on.
 *
 * Measured on int8 ResNet20 and ResNet56, 200 images each, integer kernels against the same file computed in float
 * (optimization off, the most that implementations can differ in rounding): median 0, worst 0.025. Twice that is allowed.
 * It does not tell the int8 model from its float parent (median 0.014, worst 0.066): the digests do.
 */
export const GOLDEN_TOLERANCE = 0.05;
