import { narrow } from '../../core/narrow.ts';
import { type RgbImage, WHOLE_FRAME } from '../../inference/image.ts';
import { createPreprocessor, type Preprocessing } from '../../inference/preprocess.ts';
import { PREPROCESSING } from './network.ts';

/** Makes images `[height, width]` small as the network's input is made, rounded to bytes. */
export function reducer([height, width]: readonly [number, number]): (image: RgbImage) => RgbImage {
  const bytes: Pick<Preprocessing, 'mean' | 'std'> = { mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] };
  const preprocess = createPreprocessor({ ...PREPROCESSING, ...bytes, size: [height, width] });
  const pixels = height * width;
  const values = new Float32Array(3 * pixels);
  return (image) => {
    preprocess(image, WHOLE_FRAME, values, 0);
    const at = (i: number): number => Math.round(values[(i % 3) * pixels + Math.floor(i / 3)]!);
    return { width, height, data: narrow('uint8', 3 * pixels, at, 'a reduced image') };
  };
}
