import type { Model } from '../../onnx/graph.ts';
import type { Precisions } from '../quantize/precision.ts';
import { withIslands } from './float-islands.ts';

/** What going over to float and back costs besides the bytes of the weights, as so many of them: the smallest layers are not free. */
const HANDING_OVER = 1000;

interface HeldDistance {
  /** Of all layers together that is allowed: see `distance`. */
  readonly most: number;
  /** How far the answers are with these widths. */
  readonly distanceWith: (precisions: Precisions) => Promise<number>;
  /** How far each layer moves the answers alone. */
  readonly alone: (precisions: Precisions) => Promise<ReadonlyMap<string, number>>;
  /** By layer. */
  readonly weights: ReadonlyMap<string, number>;
}

/**
 * Leaves layers in float until all others together move the answers no further than is allowed: a detector is used whole, and a hundred
 * layers of which each errs a little miss as many boxes as one that errs much.
 *
 * First those go that move the answers most for the bytes that they take in float. Errors of layers add up as squares, or nearly: by the
 * error alone, YOLOX-Nano's package took 2.70 MB for the distance that this order holds with 1.76 MB, and was no quicker. Layers between
 * those follow where int8 would not be quicker there (`withIslands`).
 *
 * @param model with the layers
 * @returns the same widths where they hold it
 */
export async function withDistanceHeld(
  model: Model,
  precisions: Precisions,
  { most, distanceWith, alone, weights }: HeldDistance,
): Promise<Precisions> {
  if ((await distanceWith(precisions)) <= most) return precisions;
  const found = await alone(precisions);
  const gain = (name: string): number => {
    const error = found.get(name) ?? 0;
    // A layer that overflows says NaN.
    return Number.isNaN(error) ? Number.POSITIVE_INFINITY : error ** 2 / (HANDING_OVER + (weights.get(name) ?? 0));
  };
  const given = [...precisions].flatMap(([name, width]) => (width === 'float' ? [name] : []));
  const order = [...precisions.keys()].filter((name) => !given.includes(name)).toSorted((a, b) => gain(b) - gain(a));
  const withFirst = (count: number): Precisions => {
    const float = withIslands(model, new Set([...given, ...order.slice(0, count)]));
    return new Map([...precisions].map(([name, width]) => [name, float.has(name) ? 'float' : width]));
  };
  // With all of them in float nothing is off, so an end is sure to hold.
  let [few, enough] = [0, order.length];
  while (enough - few > 1) {
    const middle = Math.floor((few + enough) / 2);
    if ((await distanceWith(withFirst(middle))) <= most) enough = middle;
    else few = middle;
  }
  return withFirst(enough);
}
