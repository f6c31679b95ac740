import type { RgbImage } from '../../inference/image.ts';

/** Columns at most: a person 40 m away is then still some pixels high, and a look takes a millisecond. */
const GREY_WIDTH = 240;

/** What an image is reduced to. */
export interface GreySize {
  readonly width: number;
  readonly height: number;
}

function greySizeOf({ width, height }: Pick<RgbImage, 'width' | 'height'>): GreySize {
  const columns = Math.min(GREY_WIDTH, width);
  return { width: columns, height: Math.max(1, Math.round((height * columns) / width)) };
}

/**
 * Luma (BT.601) of a reduced image. Of what falls into a pixel four points are read where it is much: enough against aliasing and noise, and
 * a full mean of 720p takes 4 ms.
 */
export class GreyReducer {
  readonly size: GreySize;
  readonly #columns: Int32Array;
  readonly #rows: Int32Array;
  readonly #points: 1 | 2;

  /** @param from size of the images */
  constructor(from: Pick<RgbImage, 'width' | 'height'>) {
    this.size = greySizeOf(from);
    this.#points = from.width > 1.5 * this.size.width ? 2 : 1;
    this.#columns = this.#placesOf(from.width, this.size.width);
    this.#rows = this.#placesOf(from.height, this.size.height);
  }

  /** Of every place in the reduced image, the points read along one axis. */
  #placesOf(from: number, to: number): Int32Array {
    const points = this.#points;
    return Int32Array.from({ length: to * points }, (_, i) =>
      Math.min(from - 1, Math.floor(((i + 0.5) * from) / (to * points))),
    );
  }

  /** @param out `[height, width]` of the reduced size */
  reduce({ width, data }: RgbImage, out: Float32Array): void {
    const points = this.#points;
    const scale = 1 / (256 * points * points);
    let at = 0;
    for (let row = 0; row < this.size.height; row++) {
      for (let column = 0; column < this.size.width; column++, at++) {
        let sum = 0;
        for (let down = 0; down < points; down++) {
          const start = this.#rows[row * points + down]! * width;
          for (let across = 0; across < points; across++) {
            const from = 3 * (start + this.#columns[column * points + across]!);
            sum += 77 * data[from]! + 150 * data[from + 1]! + 29 * data[from + 2]!;
          }
        }
        out[at] = sum * scale;
      }
    }
  }
}
