import type { Random } from '../../../core/random.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';

export interface Augmentation {
  /** Largest shift of the image in pixels, zeros coming in at the edge. @default 4 */
  readonly shift?: number;
  /** Mirror left and right, half of the time. Not for traffic signs. @default true */
  readonly flip?: boolean;
  /** Side in pixels of a square that is blanked (DeVries and Taylor 2017); 0 for none. @default 0 */
  readonly cutout?: number;
  /** Beta(a, a) of mixup (Zhang 2018); 0 for none. @default 0 */
  readonly mixup?: number;
  /** Share of the target spread over all classes (Szegedy 2016). @default 0 */
  readonly labelSmoothing?: number;
}

/** One image into a batch: what was drawn for it. */
interface Draw {
  readonly dx: number;
  readonly dy: number;
  readonly mirrored: boolean;
  readonly cut: { readonly x: number; readonly y: number; readonly side: number } | undefined;
}

/** An image as it is: nothing shifted, mirrored or cut. */
export const UNCHANGED: Draw = { dx: 0, dy: 0, mirrored: false, cut: undefined };

/** Value of every byte after normalisation, for each plane in the order the model takes them. */
export const normalizationTables = ({ mean, std, channels }: Preprocessing): readonly Float32Array[] =>
  (channels === 'RGB' ? [0, 1, 2] : [2, 1, 0]).map((channel) =>
    Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean[channel]!) / std[channel]!),
  );

export function draw(
  random: Random,
  { shift = 4, flip = true, cutout = 0 }: Augmentation,
  height: number,
  width: number,
): Draw {
  const dx = random.below(2 * shift + 1) - shift;
  const dy = random.below(2 * shift + 1) - shift;
  const mirrored = flip && random.next() < 0.5;
  const cut = cutout > 0 ? { x: random.below(width), y: random.below(height), side: cutout } : undefined;
  return { dx, dy, mirrored, cut };
}

/**
 * Writes one image, shifted, mirrored, normalised and cut, to `out[offset ...]`. What comes in at an edge, or is cut
 * out, is 0 after normalisation: the mean colour.
 *
 * @param tables value of every byte after normalisation, for each plane
 */
export function place(
  planes: Uint8Array,
  image: number,
  size: readonly [number, number],
  tables: readonly Float32Array[],
  { dx, dy, mirrored, cut }: Draw,
  out: Float32Array,
  offset: number,
): void {
  const [height, width] = size;
  const pixels = height * width;
  const from = image * 3 * pixels;
  const left = cut ? cut.x - (cut.side >> 1) : 0;
  const top = cut ? cut.y - (cut.side >> 1) : 0;
  const side = cut?.side ?? 0;
  for (let plane = 0; plane < 3; plane++) {
    const table = tables[plane]!;
    const source = from + plane * pixels;
    const target = offset + plane * pixels;
    for (let y = 0; y < height; y++) {
      const sy = y + dy;
      const rowInside = sy >= 0 && sy < height;
      const cutRow = y >= top && y < top + side;
      for (let x = 0; x < width; x++) {
        const sx = (mirrored ? width - 1 - x : x) + dx;
        const inside = rowInside && sx >= 0 && sx < width && !(cutRow && x >= left && x < left + side);
        out[target + y * width + x] = inside ? table[planes[source + sy * width + sx]!]! : 0;
      }
    }
  }
}

/** Beta(a, a) from two Gamma(a) draws (Johnk for a < 1 is exact, and mixup uses a <= 1). */
export function betaSample(random: Random, a: number): number {
  for (;;) {
    const u = random.next() ** (1 / a);
    const v = random.next() ** (1 / a);
    if (u + v <= 1 && u + v > 0) return u / (u + v);
  }
}
