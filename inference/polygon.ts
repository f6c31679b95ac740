import { type Box, pixelRange, type RgbImage } from './image.ts';
import { type Preprocessing, paddingOf, requirePixels } from './preprocess.ts';

/** Corners in shares of an image, in order, from the top left. */
export type Polygon = readonly (readonly [x: number, y: number])[];

/** Of one polygon. */
export const MOST_CORNERS = 64;

/** 0.7 - 0.2 is half of an image, and not somewhat less. */
const exact = (share: number): number => Math.round(share * 1e9) / 1e9;

/** The box around a polygon. */
export function boundsOf(polygon: Polygon): Box {
  const [xs, ys] = [polygon.map(([x]) => x), polygon.map(([, y]) => y)];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return [left, top, exact(Math.max(...xs) - left), exact(Math.max(...ys) - top)];
}

/** Fills what lies around a polygon, so that a model which is shown the box around it sees nothing of that. */
export type Surround = (image: RgbImage, polygon: Polygon) => RgbImage;

interface Surroundings {
  readonly width: number;
  readonly height: number;
  /** Bytes of the rows in which the polygon lies: `[from, to)`. */
  readonly from: number;
  readonly to: number;
  /** Bytes of the box around the polygon that lie outside of it: `[start, end)` after `[start, end)`. */
  readonly runs: Int32Array;
}

/**
 * Makes the function that shows a polygon by itself. It answers an image that is valid until its next call, true in the box around the
 * polygon and nowhere else. A pixel belongs to the polygon whose middle does (even-odd rule), one pixel at least.
 *
 * Rows of the image are copied, in one piece, and what is outside is filled over (`npm run bench -- regions`).
 * Each polygon is rasterized once for a size of images; nothing large is allocated after that.
 */
export function createSurround(preprocessing: Preprocessing): Surround {
  const padding = paddingOf(preprocessing);
  const known = new WeakMap<Polygon, Surroundings>();
  /** A row of padding, then the image: what is copied over it needs no memory of its own. */
  let data = new Uint8Array(0);
  let row = 0;
  return (image, polygon) => {
    requirePixels(image);
    const { width, height } = image;
    const pixels = width * height * 3;
    if (row < width * 3 || data.length < row + pixels) {
      row = Math.max(row, width * 3);
      data = new Uint8Array(row + pixels);
      for (let at = 0; at < row; at += 3) data.set(padding, at);
    }
    let around = known.get(polygon);
    if (around?.width !== width || around.height !== height) {
      around = surroundingsOf(polygon, image);
      known.set(polygon, around);
    }
    const { from, to, runs } = around;
    data.set(image.data.subarray(from, to), row + from);
    for (let i = 0; i < runs.length; i += 2) data.copyWithin(row + runs[i]!, 0, runs[i + 1]! - runs[i]!);
    return { width, height, data: data.subarray(row, row + pixels) };
  };
}

function surroundingsOf(polygon: Polygon, { width, height }: Pick<RgbImage, 'width' | 'height'>): Surroundings {
  const [x, y, w, h] = boundsOf(polygon);
  const [left, right] = pixelRange(x, w, width);
  const [top, bottom] = pixelRange(y, h, height);
  const runs: number[] = [];
  let outside = 0;
  const fill = (row: number, start: number, end: number): void => {
    if (end <= start) return;
    runs.push((row * width + start) * 3, (row * width + end) * 3);
    outside += end - start;
  };
  for (let row = top; row < bottom; row++) {
    let start = left;
    for (const [i, crossing] of crossingsOf(polygon, (row + 0.5) / height).entries()) {
      const pixel = Math.max(left, Math.min(right, firstFrom(crossing, width)));
      if (i % 2 === 0) fill(row, start, pixel);
      start = pixel;
    }
    fill(row, start, right);
  }
  if (outside === (right - left) * (bottom - top)) {
    runs.length = 0;
    const [column, middle] = [(left + right) >> 1, (top + bottom) >> 1];
    for (let row = top; row < bottom; row++) {
      fill(row, left, row === middle ? column : right);
      if (row === middle) fill(row, column + 1, right);
    }
  }
  return { width, height, from: top * width * 3, to: bottom * width * 3, runs: Int32Array.from(runs) };
}

/** Where the edges of a polygon cross a horizontal line, from the left: an even number of places. */
function crossingsOf(polygon: Polygon, y: number): number[] {
  const crossings: number[] = [];
  for (const [i, [ax, ay]] of polygon.entries()) {
    const [bx, by] = polygon[(i + polygon.length - 1) % polygon.length]!;
    if (ay > y !== by > y) crossings.push(((bx - ax) * (y - ay)) / (by - ay) + ax);
  }
  return crossings.sort((a, b) => a - b);
}

/** The first of `width` pixels whose middle is not left of `x`: looked for, as the product is not exact. */
function firstFrom(x: number, width: number): number {
  let pixel = Math.ceil(x * width - 0.5);
  while ((pixel - 0.5) / width >= x) pixel--;
  while ((pixel + 0.5) / width < x) pixel++;
  return pixel;
}
