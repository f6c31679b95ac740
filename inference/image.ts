/** An 8-bit RGB image: `data` is `[height, width, 3]`, row-major, interleaved. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A part of an image in shares of its width and height, 0 to 1: `[x, y, width, height]` from the top left. */
export type Box = readonly [x: number, y: number, width: number, height: number];

export const WHOLE_FRAME: Box = [0, 0, 1, 1];
