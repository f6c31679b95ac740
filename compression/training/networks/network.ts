import type { Model } from '../../../onnx/graph.ts';

export interface NetworkOptions {
  /** Scores the network gives. */
  readonly classes: number;
  /** Height and width of its images in pixels. */
  readonly size: readonly [number, number];
  /** Of the weights: the same seed gives the same bytes. */
  readonly seed: number;
  /** How images enter. @default by their size */
  readonly stem?: Stem | undefined;
}

/**
 * The first layers of a residual network: one 3x3 that keeps the size, one 3x3 of stride 2, or 7x7 of stride 2 and a pooling.
 * The second suits small images on few cores: a quarter of the first's operations, four times the third's.
 */
export const STEMS = ['3x3', '3x3/2', '7x7/4'] as const;
export type Stem = (typeof STEMS)[number];

/** An architecture: from what is asked for to a model with untrained weights. */
export type Network = (options: NetworkOptions) => Model;

/** Images from here on are photographs: networks for them first shrink to a quarter. */
export const isPhotograph = ([height, width]: readonly [number, number]): boolean => Math.min(height, width) >= 96;
