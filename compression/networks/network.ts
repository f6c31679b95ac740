import type { Model } from '../../onnx/graph.ts';

export interface NetworkOptions {
  /** Scores the network gives. */
  readonly classes: number;
  /** Height and width of its pictures in pixels. */
  readonly size: readonly [number, number];
  /** Of the weights: the same seed gives the same bytes. */
  readonly seed: number;
}

/** An architecture: from what is asked for to a model with untrained weights. */
export type Network = (options: NetworkOptions) => Model;

/** Pictures from here on are photographs: networks for them first shrink to a quarter. */
export const isPhotograph = ([height, width]: readonly [number, number]): boolean => Math.min(height, width) >= 96;
