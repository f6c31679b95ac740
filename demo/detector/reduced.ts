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
    // Bytes in single precision: clamping rounds off what that adds.
    const data = new Uint8ClampedArray(3 * pixels);
    for (let plane = 0; plane < 3; plane++)
      for (let i = 0; i < pixels; i++) data[3 * i + plane] = values[plane * pixels + i]!;
    return { width, height, data: new Uint8Array(data.buffer) };
  };
}
