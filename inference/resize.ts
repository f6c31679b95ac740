/**
 * Weights of an antialiased bilinear resize along one axis: a triangle of half-width max(1, in/out) around the centre of
 * each output pixel, (o + 0.5) * in/out, as Pillow (`Resample.c`) and torchvision's antialiased resize have it.
 *
 * Weights are integers scaled by 2^22 and results are rounded to 8 bits after each axis, again as Pillow does: the same
 * image gives the same bytes as in the training pipeline of most models. No weight is negative and each output's sum
 * to 2^22 within half the number of taps, so a result never leaves 0..255 and an accumulator never leaves 31 bits.
 */
export interface Axis {
  /** Per output pixel: the first input pixel it reads. */
  readonly first: Int32Array;
  /** Per output pixel: where its weights begin; one entry more than there are pixels. */
  readonly start: Int32Array;
  readonly weights: Int32Array;
  /** Input pixels that any output pixel reads: `[from, to)`. */
  readonly from: number;
  readonly to: number;
}

export const WEIGHT_BITS = 22;
const HALF_WEIGHT = 1 << (WEIGHT_BITS - 1);

/**
 * @param inSize pixels of the source
 * @param outSize pixels of the whole resized image
 * @param offset first of the resized pixels that is wanted (a crop), of which there are `count`
 */
export function axisWeights(inSize: number, outSize: number, offset = 0, count = outSize): Axis {
  const scale = inSize / outSize;
  const support = Math.max(1, scale);
  const first = new Int32Array(count);
  const start = new Int32Array(count + 1);
  const weights: number[] = [];
  let from = inSize;
  let to = 0;
  for (let i = 0; i < count; i++) {
    const centre = (offset + i + 0.5) * scale;
    const low = Math.max(0, Math.trunc(centre - support + 0.5));
    const high = Math.min(inSize, Math.trunc(centre + support + 0.5));
    const raw: number[] = [];
    for (let x = low; x < high; x++) raw.push(Math.max(0, 1 - Math.abs((x - centre + 0.5) / support)));
    const sum = raw.reduce((a, b) => a + b, 0);
    first[i] = low;
    for (const weight of raw) weights.push(Math.floor((weight / sum) * (1 << WEIGHT_BITS) + 0.5));
    start[i + 1] = weights.length;
    from = Math.min(from, low);
    to = Math.max(to, high);
  }
  return { first, start, weights: Int32Array.from(weights), from, to };
}

/** Where an image's pixels lie: `data` interleaved RGB, `stride` bytes from one row to the next. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly offset: number;
  readonly stride: number;
}

/** Rows `[from, to)` of the source, each resized to the axis' pixels: `out` is `[to - from, count, 3]`. */
export function resizeRows(source: Pixels, axis: Axis, from: number, to: number, out: Uint8Array): void {
  const { first, start, weights } = axis;
  const { data } = source;
  const count = first.length;
  let o = 0;
  for (let y = from; y < to; y++) {
    const row = source.offset + y * source.stride;
    for (let x = 0; x < count; x++) {
      let r = HALF_WEIGHT;
      let g = HALF_WEIGHT;
      let b = HALF_WEIGHT;
      let p = row + first[x]! * 3;
      const end = start[x + 1]!;
      for (let k = start[x]!; k < end; k++, p += 3) {
        const w = weights[k]!;
        r += data[p]! * w;
        g += data[p + 1]! * w;
        b += data[p + 2]! * w;
      }
      out[o] = r >> WEIGHT_BITS;
      out[o + 1] = g >> WEIGHT_BITS;
      out[o + 2] = b >> WEIGHT_BITS;
      o += 3;
    }
  }
}

/** How bytes become planes of floats: a table of 256 normalised values a channel, and which plane each goes to. */
export interface Planes {
  readonly red: Float32Array;
  readonly green: Float32Array;
  readonly blue: Float32Array;
  /** 0 in RGB order, 2 in BGR order; blue takes the other. */
  readonly redPlane: 0 | 2;
}

/**
 * Columns resized to the axis' rows, normalised, and laid out as planes: `out[offset...]` is `[3, rows, width]`.
 * Row `axis.from` of the image is row 0 of `source`.
 */
export function resizeColumns(
  source: Pixels,
  width: number,
  axis: Axis,
  planes: Planes,
  out: Float32Array,
  offset: number,
): void {
  const { first, start, weights, from } = axis;
  const { data, stride } = source;
  const { red, green, blue } = planes;
  const rows = first.length;
  const [reds, greens, blues] = planesOf(out, offset, rows * width, planes);
  let o = 0;
  for (let y = 0; y < rows; y++) {
    const begin = start[y]!;
    const end = start[y + 1]!;
    const top = source.offset + (first[y]! - from) * stride;
    for (let x = 0; x < width; x++, o++) {
      let r = HALF_WEIGHT;
      let g = HALF_WEIGHT;
      let b = HALF_WEIGHT;
      let p = top + x * 3;
      for (let k = begin; k < end; k++, p += stride) {
        const w = weights[k]!;
        r += data[p]! * w;
        g += data[p + 1]! * w;
        b += data[p + 2]! * w;
      }
      reds[o] = red[r >> WEIGHT_BITS]!;
      greens[o] = green[g >> WEIGHT_BITS]!;
      blues[o] = blue[b >> WEIGHT_BITS]!;
    }
  }
}

/** Normalises and lays out pixels that need no resizing: `out[offset...]` is `[3, height, width]`. */
export function copyPixels(
  source: Pixels,
  width: number,
  height: number,
  planes: Planes,
  out: Float32Array,
  offset: number,
): void {
  const { data } = source;
  const { red, green, blue } = planes;
  const [reds, greens, blues] = planesOf(out, offset, width * height, planes);
  let o = 0;
  for (let y = 0; y < height; y++) {
    let p = source.offset + y * source.stride;
    for (let x = 0; x < width; x++, o++, p += 3) {
      reds[o] = red[data[p]!]!;
      greens[o] = green[data[p + 1]!]!;
      blues[o] = blue[data[p + 2]!]!;
    }
  }
}

/** The planes of one image in `out`, each by itself: written into at three sums of one index, they took a third longer (Node 24). */
function planesOf(
  out: Float32Array,
  offset: number,
  length: number,
  { redPlane }: Planes,
): readonly [red: Float32Array, green: Float32Array, blue: Float32Array] {
  const plane = (index: number): Float32Array => out.subarray(offset + index * length, offset + (index + 1) * length);
  return [plane(redPlane), plane(1), plane(2 - redPlane)];
}
