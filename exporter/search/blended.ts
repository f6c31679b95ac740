import type { Dataset } from '../../calibration/dataset.ts';
import type { RgbImage } from '../../inference/image.ts';

/** Of the image laid over: the float ResNets still answer 97.5 and 98.8% of the blended training images rightly. */
const SHARE = 0.15;

/**
 * The same images and labels, each with some of the image before it laid over. A network knows its training images by
 * heart: quantizing it changes fewer answers to them than to new ones. Blended ones it has never seen.
 *
 * Points lost on 5,000 test images, and on 1,024 training images plain and blended:
 *   ResNet20  4 clusters 2.68 (4.79, 5.86); 6 clusters 0.60 (0.78, 1.27); 8 clusters 0.26 (0.10, 0.20); 16 clusters -0.14 (0.10, -0.10)
 *   ResNet56  4 clusters 2.18 (1.17, 4.49); 8 clusters 0.12 (0.00, 1.07); 16 clusters -0.06 (0.00, 0.20)
 * Plain ones see nothing of what ResNet56 loses, blended ones twice as much: the mean of both comes closest. Shares of
 * 0.25 and 0.35 overstate it further.
 */
export function blended(dataset: Dataset): Dataset {
  return {
    ...dataset,
    async *samples(indices) {
      let before: RgbImage | undefined;
      for await (const sample of dataset.samples(indices)) {
        yield before === undefined ? sample : { ...sample, image: overlaid(sample.image, before) };
        before = sample.image;
      }
    },
  };
}

/** `over` is stretched to the size of the image, by its nearest pixels. */
function overlaid({ width, height, data }: RgbImage, over: RgbImage): RgbImage {
  const mixed = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) {
    const line = Math.floor((y * over.height) / height) * over.width;
    for (let x = 0; x < width; x++) {
      const from = 3 * (line + Math.floor((x * over.width) / width));
      const at = 3 * (y * width + x);
      for (let c = 0; c < 3; c++)
        mixed[at + c] = Math.round((1 - SHARE) * data[at + c]! + SHARE * over.data[from + c]!);
    }
  }
  return { width, height, data: mixed };
}
