import sharp from 'sharp';
import { messageOf, WaysideError } from '../../core/errors.ts';
import type { RgbImage } from '../../inference/image.ts';

/** 100 megapixels are 300 MB of RGB: larger than any camera here, small enough to refuse an image made to fill memory. */
const MOST_PIXELS = 100_000_000;

/**
 * An image file as 8-bit sRGB, turned upright by its EXIF orientation; transparency lies on black.
 *
 * @throws {WaysideError} IMAGE_DECODE
 */
export async function decodeImage(path: string): Promise<RgbImage> {
  try {
    const { data, info } = await sharp(path, { limitInputPixels: MOST_PIXELS })
      .autoOrient()
      .flatten({ background: '#000' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`expected 3 channels, got ${info.channels}`);
    return { width: info.width, height: info.height, data };
  } catch (cause) {
    throw new WaysideError('IMAGE_DECODE', {
      message: `cannot decode ${path}: ${messageOf(cause)}`,
      hint: 'take the file out of the set, or replace it: an image left out unsaid would change the figures',
      cause,
    });
  }
}
