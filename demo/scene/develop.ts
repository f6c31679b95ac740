import type { RgbImage } from '../../inference/image.ts';
import type { Backdrop } from './backdrop.ts';
import { chance } from './chance.ts';
import type { Layer } from './layer.ts';
import { HEIGHT, OVERSAMPLING, WIDTH } from './lens.ts';
import type { Light } from './light.ts';

const SAMPLES = OVERSAMPLING ** 2;

/** Puts backdrop, shadows, moving things, light and noise together. */
export function developFrame(
  seed: number,
  index: number,
  { colour: still, ground, noise }: Backdrop,
  layer: Layer,
  light: Light,
): RgbImage {
  const data = new Uint8ClampedArray(WIDTH * HEIGHT * 3);
  const offsets = chance(seed, 81, index);
  const noon = (light.ambient + light.direct) * 1.04;
  const [red, green, blue] = [light.tint[0] * noon, light.tint[1] * noon, light.tint[2] * noon];
  const { colour } = layer;
  // The two samples of a pixel in one row as one number: nearly everywhere there is nothing in either.
  const pairs = layer.width / 2;
  const owned = new Uint16Array(layer.owner.buffer);
  const shaded = new Uint16Array(layer.shadow.buffer);
  for (let y = 0; y < HEIGHT; y++) {
    let n = offsets.below(noise.length);
    for (let x = 0; x < WIDTH; x++) {
      const pixel = y * WIDTH + x;
      const at = OVERSAMPLING * (y * layer.width + x);
      const pair = 2 * y * pairs + x;
      const covered = owned[pair]! + owned[pair + pairs]! === 0 ? 0 : countOf(layer.owner, at, layer.width);
      const isDark = ground[pixel] === 1 && shaded[pair]! + shaded[pair + pairs]! !== 0;
      const dark = isDark ? countOf(layer.shadow, at, layer.width) : 0;
      const open = (1 - covered / SAMPLES) * (1 - ((1 - light.shade) * dark) / SAMPLES);
      n = n + 1 < noise.length ? n + 1 : 0;
      const grain = noise[n]!;
      let r = grain;
      let g = grain;
      let b = grain;
      if (covered > 0) {
        for (let row = at; row < at + OVERSAMPLING * layer.width; row += layer.width) {
          for (let i = row; i < row + OVERSAMPLING; i++) {
            if (layer.owner[i] === 0) continue;
            r += colour[3 * i]! / SAMPLES;
            g += colour[3 * i + 1]! / SAMPLES;
            b += colour[3 * i + 2]! / SAMPLES;
          }
        }
      }
      data[3 * pixel] = still[3 * pixel]! * red * open + r;
      data[3 * pixel + 1] = still[3 * pixel + 1]! * green * open + g;
      data[3 * pixel + 2] = still[3 * pixel + 2]! * blue * open + b;
    }
  }
  return { width: WIDTH, height: HEIGHT, data: new Uint8Array(data.buffer) };
}

/** How many of the four samples of a pixel are marked. */
const countOf = (marks: Uint8Array, at: number, width: number): number =>
  Number(marks[at] !== 0) +
  Number(marks[at + 1] !== 0) +
  Number(marks[at + width] !== 0) +
  Number(marks[at + width + 1] !== 0);
