import type { GreySize } from './grey-image.ts';

/** Points that an image is laid over the background by. */
const MOST_POINTS = 1200;
/** Of 255 per pixel: what is flatter says nothing of a way. */
const LEAST_STEEP = 5;
const ROUNDS = 5;
/** Pixels: further than a mast sways. */
const MOST = 6;
const CLOSE = 0.02;

/**
 * How far the whole image is moved beside the background: Gauss-Newton on the points where the background is steep (Lucas and Kanade 1981), each weighed
 * by how well it fits, so that what drives through has no say.
 */
export class Shift {
  readonly #size: GreySize;
  readonly #points = new Int32Array(MOST_POINTS);
  #count = 0;
  /** Pixels to the right and down; found by the last call of {@link find}. */
  x = 0;
  y = 0;

  constructor(size: GreySize) {
    this.#size = size;
  }

  /** Chooses the points anew: the steep ones, spread over the image. */
  choose(mean: Float32Array): void {
    const { width, height } = this.#size;
    const margin = MOST + 1;
    this.#count = 0;
    const side = Math.max(2, Math.round(Math.sqrt((width * height) / MOST_POINTS)));
    for (let top = margin; top + side < height - margin; top += side) {
      for (let left = margin; left + side < width - margin; left += side) {
        let [best, most] = [-1, LEAST_STEEP];
        for (let y = top; y < top + side; y++) {
          for (let x = left; x < left + side; x++) {
            const at = y * width + x;
            const steep =
              (Math.abs(mean[at + 1]! - mean[at - 1]!) + Math.abs(mean[at + width]! - mean[at - width]!)) / 2;
            if (steep > most) [best, most] = [at, steep];
          }
        }
        if (best >= 0 && this.#count < MOST_POINTS) this.#points[this.#count++] = best;
      }
    }
  }

  /** @param factor of exposure, by which `grey` is brighter than the background */
  find(grey: Float32Array, mean: Float32Array, factor: number): void {
    [this.x, this.y] = [0, 0];
    if (this.#count < 30) return;
    for (let round = 0; round < ROUNDS; round++) {
      // First all but what is grossly off, then what fits.
      const tolerance = round < 2 ? 40 : 15;
      let [xx, xy, yy, xe, ye] = [0, 0, 0, 0, 0];
      for (let k = 0; k < this.#count; k++) {
        const at = this.#points[k]!;
        const error = this.#valueAt(grey, at) / factor - mean[at]!;
        const weight = 1 / (1 + (error / tolerance) ** 2) ** 2;
        const { width } = this.#size;
        const gx = (mean[at + 1]! - mean[at - 1]!) / 2;
        const gy = (mean[at + width]! - mean[at - width]!) / 2;
        xx += weight * gx * gx;
        xy += weight * gx * gy;
        yy += weight * gy * gy;
        xe += weight * gx * error;
        ye += weight * gy * error;
      }
      const determinant = xx * yy - xy * xy;
      if (determinant <= 1e-3 * xx * yy) break;
      const dx = (yy * xe - xy * ye) / determinant;
      const dy = (xx * ye - xy * xe) / determinant;
      this.x = Math.max(-MOST, Math.min(MOST, this.x - dx));
      this.y = Math.max(-MOST, Math.min(MOST, this.y - dy));
      if (Math.abs(dx) + Math.abs(dy) < CLOSE) break;
    }
  }

  /** The image laid over the background, in the background's light. */
  apply(grey: Float32Array, factor: number, out: Float32Array): void {
    const { width, height } = this.#size;
    const still = Math.abs(this.x) + Math.abs(this.y) < 0.1;
    if (still) {
      for (let i = 0; i < grey.length; i++) out[i] = grey[i]! / factor;
      return;
    }
    const [wholeX, wholeY] = [Math.floor(this.x), Math.floor(this.y)];
    const [fx, fy] = [this.x - wholeX, this.y - wholeY];
    const [a, b, c, d] = [(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy].map((share) => share / factor);
    for (let y = 0; y < height; y++) {
      const top = Math.max(0, Math.min(height - 1, y + wholeY)) * width;
      const bottom = Math.max(0, Math.min(height - 1, y + wholeY + 1)) * width;
      for (let x = 0; x < width; x++) {
        const left = Math.max(0, Math.min(width - 1, x + wholeX));
        const right = Math.max(0, Math.min(width - 1, x + wholeX + 1));
        out[y * width + x] =
          a! * grey[top + left]! + b! * grey[top + right]! + c! * grey[bottom + left]! + d! * grey[bottom + right]!;
      }
    }
  }

  #valueAt(grey: Float32Array, at: number): number {
    const { width } = this.#size;
    const [wholeX, wholeY] = [Math.floor(this.x), Math.floor(this.y)];
    const [fx, fy] = [this.x - wholeX, this.y - wholeY];
    const from = at + wholeY * width + wholeX; // points keep MOST + 1 away from the edges
    return (
      (1 - fy) * ((1 - fx) * grey[from]! + fx * grey[from + 1]!) +
      fy * ((1 - fx) * grey[from + width]! + fx * grey[from + width + 1]!)
    );
  }
}
