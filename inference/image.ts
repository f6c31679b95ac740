/** An 8-bit RGB image: `data` is `[height, width, 3]`, row-major, interleaved. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A part of an image in shares of its width and height, 0 to 1: `[x, y, width, height]` from the top left. */
export type Box = readonly [x: number, y: number, width: number, height: number];

export const WHOLE_FRAME: Box = [0, 0, 1, 1];

/** Pixels `[from, to)` that shares of an image mean: to the nearest pixel, inside it, at least one. */
export function pixelRange(start: number, length: number, size: number): readonly [from: number, to: number] {
  const from = Math.min(size - 1, Math.max(0, Math.round(start * size)));
  return [from, Math.min(size, Math.max(from + 1, Math.round((start + length) * size)))];
}
