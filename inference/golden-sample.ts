import type { RgbImage } from './image.ts';

/** A picture and the scores this exact model file gave for it. */
export interface GoldenSample {
  readonly image: RgbImage;
  readonly scores: Float32Array;
}

/**
 * Share of a sample's spread (highest minus lowest score) by which a score may differ on another processor.
 *
 * Integer products are exact everywhere, except where U8S8 products saturate in 16 bits (x86 without VNNI): that is what
 * the samples are there to find, and it moves scores by a large part of the spread. What legitimately differs is float:
 * order of summation and fused multiply-add move a value by some 1e-7 of itself, which at a rounding boundary flips one
 * activation code; flips spread through later layers but average out. `bench/` holds the figures behind 0.05.
 */
export const GOLDEN_TOLERANCE = 0.05;
