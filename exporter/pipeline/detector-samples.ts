import type { Dataset } from '../../calibration/dataset.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import type { RgbImage } from '../../inference/image.ts';

const SAMPLES = 2;

/**
 * Images for the golden samples of a detector: cut out of those that it is surest to find something in, around that, no larger than its
 * input: a frame of 1080p would weigh 6 MB in every package.
 *
 * @param found what was found at each of the positions, by falling score
 * @param size of the input, `[H, W]`
 */
export async function* detectorSamples(
  images: Dataset,
  positions: readonly number[],
  found: readonly (readonly Detection[])[],
  size: readonly [number, number],
): AsyncGenerator<RgbImage> {
  const surest = positions.map((position, at) => ({ position, best: found[at]?.[0] }));
  surest.sort((a, b) => (b.best?.score ?? 0) - (a.best?.score ?? 0));
  for (const { position, best } of surest.slice(0, SAMPLES))
    for await (const { image } of images.samples([position])) yield around(image, best, size);
}

/** A part of an image around a box, or around the middle. */
function around(image: RgbImage, best: Detection | undefined, [height, width]: readonly [number, number]): RgbImage {
  const [x, y, across, down] = best?.box ?? [0, 0, 1, 1];
  const size = { width: Math.min(width, image.width), height: Math.min(height, image.height) };
  const start = (middle: number, part: number, whole: number): number =>
    Math.max(0, Math.min(whole - part, Math.round(middle * whole - part / 2)));
  const left = start(x + across / 2, size.width, image.width);
  const top = start(y + down / 2, size.height, image.height);
  const data = new Uint8Array(size.width * size.height * 3);
  for (let row = 0; row < size.height; row++) {
    const from = ((top + row) * image.width + left) * 3;
    data.set(image.data.subarray(from, from + size.width * 3), row * size.width * 3);
  }
  return { ...size, data };
}
