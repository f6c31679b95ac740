import type { GreySize } from './grey-image.ts';

/** A shadow takes so much of the light at most, and at least. */
const DARKEST = 0.4;
const LIGHTEST = 0.97;
/** Of 255: by how much the texture under a shadow may differ from the street's, dimmed. */
const SAME_TEXTURE = 3;
/** And of its steepness. */
const SAME_STEEPNESS = 0.3;
/** Of the nine pixels around and in one: fewer are rain, snow or noise; with so many a hole is filled. */
const KEPT = 4;
const FILLED = 6;

/** What differs from the street for longer than a speck, and is no shadow. */
export class Foreground {
  readonly #size: GreySize;
  readonly #thin: boolean;
  readonly #raw: Uint8Array;
  readonly #sums: Uint8Array;
  /** 1: something is there. */
  readonly mask: Uint8Array;

  /** @param thin whether thin shadows are told as well: flat things without texture are then lost more often */
  constructor(size: GreySize, thin: boolean) {
    const pixels = size.width * size.height;
    this.#size = size;
    this.#thin = thin;
    this.#raw = new Uint8Array(pixels);
    this.#sums = new Uint8Array(pixels);
    this.mask = new Uint8Array(pixels);
  }

  /** @returns share of the image that differs */
  find(grey: Float32Array, mean: Float32Array, difference: Float32Array): number {
    const { width, height } = this.#size;
    const raw = this.#raw;
    let differing = 0;
    for (let i = 0; i < raw.length; i++) {
      const different = difference[i] !== 0;
      if (different) differing++;
      raw[i] = different && !this.#isShadow(grey, mean, i) ? 1 : 0;
    }
    this.#clean(width, height);
    return differing / raw.length;
  }

  /** The street, dimmed: its texture is still there. Of a street without texture a dark flat thing looks alike, but for its edges. */
  #isShadow(grey: Float32Array, mean: Float32Array, at: number): boolean {
    const ratio = grey[at]! / Math.max(1, mean[at]!);
    if (ratio < DARKEST || ratio > LIGHTEST) return false;
    const { width } = this.#size;
    if (at < width + 1 || at >= grey.length - width - 1) return false;
    return this.#isAlike(grey, mean, at, 1, ratio) && this.#isAlike(grey, mean, at, width, ratio);
  }

  /** On both sides; of a thin shadow on one, since where it ends the street goes on in the light. */
  #isAlike(grey: Float32Array, mean: Float32Array, at: number, by: number, ratio: number): boolean {
    if (!this.#thin) {
      const expected = ratio * (mean[at + by]! - mean[at - by]!);
      const off = Math.abs(grey[at + by]! - grey[at - by]! - expected);
      return off <= 2 * SAME_TEXTURE + SAME_STEEPNESS * Math.abs(expected);
    }
    const limit = SAME_TEXTURE + (SAME_STEEPNESS * Math.abs(mean[at + by]! - mean[at - by]!)) / 2;
    return (
      Math.abs(grey[at + by]! - ratio * mean[at + by]!) <= limit ||
      Math.abs(grey[at - by]! - ratio * mean[at - by]!) <= limit
    );
  }

  /** By how many of the neighbourhood are marked: sums over rows, then over columns. */
  #clean(width: number, height: number): void {
    const [raw, sums, { mask }] = [this.#raw, this.#sums, this];
    for (let y = 0; y < height; y++) {
      const row = y * width;
      sums[row] = raw[row]! + raw[row + 1]!;
      for (let x = 1; x < width - 1; x++) sums[row + x] = raw[row + x - 1]! + raw[row + x]! + raw[row + x + 1]!;
      sums[row + width - 1] = raw[row + width - 2]! + raw[row + width - 1]!;
    }
    for (let y = 0; y < height; y++) {
      const above = y === 0 ? -1 : (y - 1) * width;
      const below = y === height - 1 ? -1 : (y + 1) * width;
      for (let x = 0; x < width; x++) {
        const at = y * width + x;
        const near = sums[at]! + (above < 0 ? 0 : sums[above + x]!) + (below < 0 ? 0 : sums[below + x]!);
        mask[at] = near >= (raw[at] === 1 ? KEPT : FILLED) ? 1 : 0;
      }
    }
  }
}
