import { WaysideError } from '../../../core/errors.ts';
import { type Random, seededRandom } from '../../../core/random.ts';

/** Where a layer's output is compared: `perImage` places of each image, as `row * width + column`. */
export interface Positions {
  readonly perImage: number;
  readonly places: Int32Array;
}

/** Draws places without order; all of them where an image has no more than asked for. */
export function drawPositions(images: number, area: number, wanted: number, seed: number): Positions {
  const perImage = Math.min(area, wanted);
  const random = seededRandom(seed);
  const places = new Int32Array(images * perImage);
  for (let at = 0; at < places.length; at++) places[at] = place(at % perImage, area, perImage, random);
  return { perImage, places };
}

const place = (i: number, area: number, perImage: number, random: Random): number =>
  perImage === area ? i : random.below(area);

/**
 * Channels whose planes are read side by side: 16 fill a cache line of the rows, and at 112x112 take 800 KB. With all of a place's channels at once
 * every value read is a cache line of its own.
 */
export const TOGETHER = 16;

/**
 * Adds the values at the drawn places to `rows`, channel by channel.
 *
 * @param values some images of a value, `[count, channels, ...]`
 * @param channels which channels, in the order of the columns
 * @param rows `[images * perImage, channels.length]`
 * @param sign 1 adds, -1 subtracts
 */
export function addRows(
  values: Float32Array,
  dims: readonly number[],
  { perImage, places }: Positions,
  channels: readonly number[],
  rows: Float32Array,
  from: number,
  sign: 1 | -1,
): void {
  const [count = 0, width = 0] = dims;
  const area = values.length / count / width;
  if (channels.some((channel) => channel >= width)) {
    throw new WaysideError('MODEL_UNSUPPORTED', { message: `a value of ${width} channels is compared with more` });
  }
  for (let image = 0; image < count; image++) {
    for (let first = 0; first < channels.length; first += TOGETHER) {
      const last = Math.min(first + TOGETHER, channels.length);
      for (let p = 0; p < perImage; p++) {
        const row = (from + image) * perImage + p;
        const corner = image * width * area + places[row]!;
        for (let c = first; c < last; c++) {
          rows[row * channels.length + c]! += sign * values[corner + channels[c]! * area]!;
        }
      }
    }
  }
}
