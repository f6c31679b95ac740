import type { Dataset } from '../../../calibration/dataset.ts';
import { seededRandom } from '../../../core/random.ts';
import { defaultPreprocessing } from '../../../inference/default-preprocessing.ts';
import { type RgbImage, WHOLE_FRAME } from '../../../inference/image.ts';
import { createPreprocessor } from '../../../inference/preprocess.ts';
import { madeDataset } from '../memory-dataset.ts';

/** Every pass over a data set asks for the same images again: drawing them anew took an eighth of a compression's time. */
const drawn = new Map<string, RgbImage>();

/** An image of waves and some noise, another for every seed: neighbouring pixels are alike, as in photographs. Not to be written to. */
export function wavyImage(seed: number, side: number): RgbImage {
  const key = `${seed} ${side}`;
  const image = drawn.get(key) ?? draw(seed, side);
  drawn.set(key, image);
  return image;
}

function draw(seed: number, side: number): RgbImage {
  const random = seededRandom(seed);
  const data = new Uint8Array(side * side * 3);
  for (let channel = 0; channel < 3; channel++) {
    const [level, swing] = [60 + random.below(136), 20 + random.below(60)];
    const waves = [
      random.normal(),
      random.normal(),
      random.normal() * 3,
      random.normal(),
      random.normal(),
      random.normal() * 3,
    ];
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const [u, v] = [(x / side) * 8, (y / side) * 8];
        const wave =
          Math.sin(u * waves[0]! + v * waves[1]! + waves[2]!) + Math.sin(u * waves[3]! + v * waves[4]! + waves[5]!);
        const value = level + (swing * wave) / 2 + 8 * random.normal();
        data[(y * side + x) * 3 + channel] = Math.min(255, Math.max(0, Math.round(value)));
      }
    }
  }
  return { width: side, height: side, data };
}

/** Wavy images with labels that go round; for models without training the labels mean nothing. */
export const wavyImages = (size: number, side: number, from = 0): Dataset =>
  madeDataset(size, (index) => ({ label: index % 10, image: wavyImage(from + index, side) }), `waves ${side} ${from}`);

/** Wavy images as a model sees them by default, `[count, 3, side, side]`. */
export function inputsOf(count: number, side: number): Float32Array {
  const preprocess = createPreprocessor(defaultPreprocessing([1, 3, side, side]));
  const length = 3 * side * side;
  const data = new Float32Array(count * length);
  for (let i = 0; i < count; i++) preprocess(wavyImage(5000 + i, side), WHOLE_FRAME, data, i * length);
  return data;
}
