import { seededRandom } from '../../core/random.ts';
import type { Box, RgbImage } from '../../inference/image.ts';

/** Something flat on a street that is looked at. */
export interface FlatThing {
  readonly box: Box;
  readonly grey: number;
  /** Over the grey. */
  readonly colour?: readonly [red: number, green: number, blue: number];
  /** It dims the street by this factor instead of hiding it: a shadow. */
  readonly dims?: number;
}

interface Looks {
  readonly things?: readonly FlatThing[];
  /** By which the light differs. */
  readonly light?: number;
  /** Pixels to the right and down. */
  readonly shift?: readonly [number, number];
  /** Pixels of this share are bright, others each time. */
  readonly specks?: number;
}

const [WIDTH, HEIGHT] = [240, 136];
const NOISE = 1.5;

/** A street with a texture (paving, kerbs, houses), seen by a camera with noise. */
export function streetOf(seed: number): (looks?: Looks) => RgbImage {
  const random = seededRandom(seed);
  const blocks = Array.from({ length: 64 * 40 }, () => 90 + 70 * random.next());
  const streetAt = (x: number, y: number): number => {
    const [column, row] = [(x + 16) / 4, (y + 16) / 4];
    const [c, r] = [Math.floor(column), Math.floor(row)];
    const [fx, fy] = [column - c, row - r];
    const at = (i: number, j: number): number => blocks[(r + j) * 64 + c + i] ?? 120;
    return (1 - fy) * ((1 - fx) * at(0, 0) + fx * at(1, 0)) + fy * ((1 - fx) * at(0, 1) + fx * at(1, 1));
  };
  return ({ things = [], light = 1, shift: [dx, dy] = [0, 0], specks = 0 } = {}) => {
    const data = new Uint8Array(WIDTH * HEIGHT * 3);
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        let grey = streetAt(x - dx, y - dy);
        let colour: FlatThing['colour'];
        for (const thing of things) {
          const [left, top, width, height] = thing.box;
          const [u, v] = [(x + 0.5 - dx) / WIDTH - left, (y + 0.5 - dy) / HEIGHT - top];
          if (u < 0 || v < 0 || u >= width || v >= height) continue;
          grey = thing.dims === undefined ? thing.grey : grey * thing.dims;
          colour = thing.colour;
        }
        grey = specks > 0 && random.next() < specks ? 245 : light * grey + NOISE * random.normal();
        const at = 3 * (y * WIDTH + x);
        data.fill(Math.max(0, Math.min(255, Math.round(grey))), at, at + 3);
        if (colour !== undefined) data.set(colour, at);
      }
    }
    return { width: WIDTH, height: HEIGHT, data };
  };
}
