import { z } from 'zod';
import { WaysideError } from '../core/errors.ts';
import { type Box, pixelRange, type RgbImage } from './image.ts';
import { type Axis, axisWeights, copyPixels, type Pixels, type Planes, resizeColumns, resizeRows } from './resize.ts';

const side = z.int().min(1).max(8192);
const perChannel = z.tuple([z.number(), z.number(), z.number()]);

/**
 * How pixels become the model's input `[N, 3, H, W]`: resize, crop, then `(value / 255 - mean) / std`. `mean` and `std`
 * are of red, green and blue whatever the order of the planes; `channels` says which plane is first.
 *
 * `resize: 'stretch'` ignores the aspect (`crop: 'none'`); `{shorterSide: n}` keeps it and `crop: 'center'` cuts
 * `size` out of the middle, as torchvision's Resize + CenterCrop. `{letterbox: v}` keeps it too, scales the whole image into `size` at
 * the top left and fills the rest with the byte `v`, as detectors are trained.
 */
export const Preprocessing = z
  .strictObject({
    size: z.tuple([side, side]).readonly(),
    resize: z.union([
      z.literal('stretch'),
      z.strictObject({ shorterSide: side }),
      z.strictObject({ letterbox: z.int().min(0).max(255) }),
    ]),
    crop: z.enum(['none', 'center']),
    mean: perChannel.readonly(),
    std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]).readonly(),
    layout: z.literal('NCHW'),
    channels: z.enum(['RGB', 'BGR']),
  })
  .refine((p) => isCropped(p.resize) === (p.crop === 'center'), {
    error: "resize 'stretch' or to a letterbox goes with crop 'none', resize to a shorter side with crop 'center'",
  })
  .refine((p) => !isCropped(p.resize) || p.resize.shorterSide >= Math.max(...p.size), {
    error: 'the shorter side must reach the size that is cropped from it',
  });
export type Preprocessing = z.infer<typeof Preprocessing>;
type Resize = 'stretch' | { readonly shorterSide: number } | { readonly letterbox: number };

function isCropped(resize: Resize): resize is { readonly shorterSide: number } {
  return resize !== 'stretch' && 'shorterSide' in resize;
}

function isLetterboxed(resize: Resize): resize is { readonly letterbox: number } {
  return resize !== 'stretch' && 'letterbox' in resize;
}

/** Writes the part `box` of `image`, preprocessed, to `out[offset ... offset + 3 * H * W)`. */
export type Preprocessor = (image: RgbImage, box: Box, out: Float32Array, offset: number) => void;

/** Floats one image takes: 3 * H * W. */
export const inputLength = ({ size: [height, width] }: Preprocessing): number => 3 * height * width;

/** Sizes of regions are few (one a camera and region); more than this means boxes that move, so the oldest goes. */
const CACHED_AXES = 64;

function axisCache(): (inSize: number, outSize: number, offset: number, count: number) => Axis {
  const cache = new Map<number, Axis>();
  return (inSize, outSize, offset, count) => {
    const key = inSize * 65536 + outSize; // the crop follows from both
    const known = cache.get(key);
    if (known !== undefined) return known;
    const axis = axisWeights(inSize, outSize, offset, count);
    if (cache.size >= CACHED_AXES) cache.delete(cache.keys().next().value ?? key);
    cache.set(key, axis);
    return axis;
  };
}

function normalizationTable(mean: number, std: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean) / std);
}

/** Size to which the longer side goes when the shorter becomes `target`: truncated, as torchvision does. */
const longerSide = (target: number, shorter: number, longer: number): number => Math.trunc((target * longer) / shorter);

/** Margin left of a centred crop, half a pixel to the even side: Python's `round`, which torchvision uses. */
function centred(full: number, part: number): number {
  const floor = Math.floor((full - part) / 2);
  return (full - part) % 2 === 0 ? floor : floor + (floor % 2);
}

/**
 * Makes the function that both the evaluation and the box use. It keeps its weights and scratch memory: nothing large is
 * allocated per image once a region's size has been seen. One preprocessor serves one caller at a time.
 *
 * @throws {WaysideError} PREPROCESS_MISMATCH from the function when an image is empty or `out` too short
 */
export function createPreprocessor(preprocessing: Preprocessing): Preprocessor {
  const { size, resize, mean, std } = preprocessing;
  if (isLetterboxed(resize)) return letterboxPreprocessor(preprocessing, resize.letterbox);
  const [height, width] = size;
  const planes: Planes = {
    red: normalizationTable(mean[0], std[0]),
    green: normalizationTable(mean[1], std[1]),
    blue: normalizationTable(mean[2], std[2]),
    redPlane: preprocessing.channels === 'RGB' ? 0 : 2,
  };
  const columns = axisCache();
  const rows = axisCache();
  const needed = inputLength(preprocessing);
  let scratch = new Uint8Array(0);

  return (image, box, out, offset) => {
    requirePixels(image);
    if (out.length < offset + needed)
      throw mismatch(`room for ${out.length - offset} floats where ${needed} are needed`);
    const [x, right] = pixelRange(box[0], box[2], image.width);
    const [y, bottom] = pixelRange(box[1], box[3], image.height);
    const [w, h] = [right - x, bottom - y];

    let fullWidth = width;
    let fullHeight = height;
    if (isCropped(resize)) {
      fullWidth = w <= h ? resize.shorterSide : longerSide(resize.shorterSide, h, w);
      fullHeight = w <= h ? longerSide(resize.shorterSide, w, h) : resize.shorterSide;
    }
    const left = centred(fullWidth, width);
    const top = centred(fullHeight, height);
    const stride = image.width * 3;
    const region: Pixels = { data: image.data, offset: y * stride + x * 3, stride };

    if (fullWidth === w && fullHeight === h) {
      copyPixels({ ...region, offset: region.offset + top * stride + left * 3 }, width, height, planes, out, offset);
      return;
    }
    const vertical = rows(h, fullHeight, top, height);
    if (fullWidth === w) {
      const first = region.offset + vertical.from * stride + left * 3;
      resizeColumns({ ...region, offset: first }, width, vertical, planes, out, offset);
      return;
    }
    const bytes = (vertical.to - vertical.from) * width * 3;
    if (scratch.length < bytes) scratch = new Uint8Array(bytes);
    resizeRows(region, columns(w, fullWidth, left, width), vertical.from, vertical.to, scratch);
    resizeColumns({ data: scratch, offset: 0, stride: width * 3 }, width, vertical, planes, out, offset);
  };
}

/** Pixels of an image of `w` x `h` inside a letterbox: truncated, as YOLOX's `preproc` has it. */
function letterboxed([height, width]: readonly [number, number], w: number, h: number): readonly [number, number] {
  const scale = Math.min(height / h, width / w);
  return [Math.max(1, Math.trunc(h * scale)), Math.max(1, Math.trunc(w * scale))];
}

/** Scales the image by the function for `stretch`, then puts its rows into their places. */
function letterboxPreprocessor(preprocessing: Preprocessing, padding: number): Preprocessor {
  const { size, mean, std, channels } = preprocessing;
  const [height, width] = size;
  const fill = mean.map((value, i) => (padding / 255 - value) / std[i]!);
  const planes = channels === 'RGB' ? fill : fill.toReversed();
  const inside = new Map<string, Preprocessor>();
  let scratch = new Float32Array(0);
  return (image, box, out, offset) => {
    const pixels = (share: number, of: number): number => Math.max(1, Math.round(share * of));
    const [h, w] = letterboxed(size, pixels(box[2], image.width), pixels(box[3], image.height));
    const key = `${h}x${w}`;
    const stretch = inside.get(key) ?? createPreprocessor({ ...preprocessing, size: [h, w], resize: 'stretch' });
    if (inside.size >= CACHED_AXES) inside.clear();
    inside.set(key, stretch);
    if (scratch.length < 3 * h * w) scratch = new Float32Array(3 * h * w);
    stretch(image, box, scratch, 0);
    for (const [plane, value] of planes.entries()) {
      const start = offset + plane * height * width;
      out.fill(value, start, start + height * width);
      for (let row = 0; row < h; row++) {
        const from = (plane * h + row) * w;
        out.set(scratch.subarray(from, from + w), start + row * width);
      }
    }
  };
}

/** From a box in pixels of the model's input to shares of the image that was preprocessed, which may reach beyond it. */
export function placementOf(
  { size, resize }: Preprocessing,
  { width: w, height: h }: { readonly width: number; readonly height: number },
): (box: Box) => Box {
  const [height, width] = size;
  let [fullHeight, fullWidth] = isLetterboxed(resize) ? letterboxed(size, w, h) : size;
  if (isCropped(resize)) {
    fullWidth = w <= h ? resize.shorterSide : longerSide(resize.shorterSide, h, w);
    fullHeight = w <= h ? longerSide(resize.shorterSide, w, h) : resize.shorterSide;
  }
  const [left, top] = isCropped(resize) ? [centred(fullWidth, width), centred(fullHeight, height)] : [0, 0];
  return ([x, y, across, down]) => [
    (x + left) / fullWidth,
    (y + top) / fullHeight,
    across / fullWidth,
    down / fullHeight,
  ];
}

/**
 * The colour that says nothing to a model, a byte for each of red, green and blue: the padding of its letterbox, else the mean by which it
 * is normalised, which becomes nothing.
 */
export function paddingOf({ resize, mean }: Preprocessing): readonly [number, number, number] {
  if (isLetterboxed(resize)) return [resize.letterbox, resize.letterbox, resize.letterbox];
  const byte = (value: number): number => Math.max(0, Math.min(255, Math.round(value * 255)));
  return [byte(mean[0]), byte(mean[1]), byte(mean[2])];
}

/** @throws {WaysideError} PREPROCESS_MISMATCH when an image is empty or has fewer bytes than pixels */
export function requirePixels({ width, height, data }: RgbImage): void {
  if (data.length < width * height * 3 || width < 1 || height < 1)
    throw mismatch(`an image of ${width}x${height} pixels with ${data.length} bytes`);
}

const mismatch = (got: string): WaysideError =>
  new WaysideError('PREPROCESS_MISMATCH', { message: `cannot preprocess ${got}` });

/** The size to which a decoder scales frames: exact, or by the shorter side with the aspect kept. */
type FrameNeeded =
  | { readonly kind: 'exact'; readonly width: number; readonly height: number }
  | { readonly kind: 'shorterSide'; readonly shorterSide: number };

/**
 * The smallest working size at which no region of a frame has to be enlarged; a whole frame needs no resizing at all
 * afterwards, only crop and normalisation. The decoder should scale with an antialiased bilinear filter (swscale:
 * `flags=bilinear+accurate_rnd+full_chroma_int`) and should not enlarge.
 */
export function frameNeeded({ size: [height, width], resize }: Preprocessing, boxes: readonly Box[]): FrameNeeded {
  const smallest = (share: (box: Box) => number): number => Math.min(1, ...boxes.map(share));
  // A letterbox is scaled by the longer side: by the shorter, the decoder gives somewhat more than is needed.
  if (isLetterboxed(resize))
    return {
      kind: 'shorterSide',
      shorterSide: Math.ceil(Math.max(width, height) / smallest((box) => Math.min(box[2], box[3]))),
    };
  if (!isCropped(resize)) {
    return {
      kind: 'exact',
      width: Math.ceil(width / smallest((box) => box[2])),
      height: Math.ceil(height / smallest((box) => box[3])),
    };
  }
  return {
    kind: 'shorterSide',
    shorterSide: Math.ceil(resize.shorterSide / smallest((box) => Math.min(box[2], box[3]))),
  };
}
