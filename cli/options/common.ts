import { InvalidArgumentError, Option } from 'commander';
import { type PositionRange, parseRanges } from '../../calibration/datasets/ranges.ts';

/** How a raw ONNX file wants its pixels; a package carries this itself. */
export interface PixelOptions {
  readonly normalize?: string;
  readonly size?: readonly [number, number];
  readonly labels?: string;
}

/** Reads a whole number in a range, for `Option.argParser`. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
    throw new InvalidArgumentError(`It must be a whole number ${range}.`);
  };
}

/** Reads a number in a range, for `Option.argParser`. */
export function decimal(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** `224` is square, `384x640` height by width. */
function pixelSize(text: string): readonly [number, number] {
  const [, height, width = height] = /^(\d{1,4})(?:x(\d{1,4}))?$/.exec(text) ?? [];
  if (height !== undefined && width !== undefined && Number(height) > 0 && Number(width) > 0) {
    return [Number(height), Number(width)];
  }
  throw new InvalidArgumentError('It must be N or HxW in pixels, such as 224 or 384x640.');
}

function dataset(text: string): string {
  if (/^(cifar10|images|video):./s.test(text)) return text;
  throw new InvalidArgumentError('It must be cifar10:DIR, images:DIR or video:FILE.');
}

export const dataOption = (): Option =>
  new Option(
    '--data <set>',
    'images with known classes: cifar10:DIR (binary layout) or images:DIR (image files); without classes also video:FILE (two of its frames a second)',
  )
    .argParser(dataset)
    .makeOptionMandatory();

/** Reads `37500-40000`, for `Option.argParser`. */
export function positionRanges(text: string): readonly PositionRange[] {
  const ranges = parseRanges(text);
  if (ranges !== undefined) return ranges;
  throw new InvalidArgumentError(
    'It must be FROM-TO, positions counted from 0 without the last, such as 37500-40000, or several joined by commas.',
  );
}

export const validationOption = (): Option =>
  new Option(
    '--validation <range>',
    'images of the training part that nothing is calibrated or trained on and that every choice is made by: positions FROM-TO, such as 37500-40000 for 37,500 to 39,999 (default: none; stages are then measured on the test part)',
  ).argParser(positionRanges);

export const pixelOptions = (): Option[] => [
  new Option(
    '--normalize <how>',
    'what the model subtracts and divides by: imagenet, cifar10, caffe, unit, or M,M,M/S,S,S on RGB/255, with bgr: before it for blue first (default: what the package or the metadata of the model says, else imagenet)',
  ),
  new Option('--size <pixels>', 'input size, N or HxW, for a model that leaves it open').argParser(pixelSize),
  new Option('--labels <file>', 'names of the classes, one a line, or the class of each image: image.jpg LABEL'),
];

export const outputOption = (
  what = 'output of the model that holds the scores, where it has several: the others are dropped (default: the first, and all stay)',
): Option => new Option('--output <name>', what);

export const threadsOption = (): Option =>
  new Option('--threads <n>', 'threads for one inference').argParser(integer(1, 256)).default(1);

/** A named part of the image, in shares of it from the top left. */
export type Region = { readonly name: string } & (
  | { /** `[x, y, width, height]` */ readonly box: readonly [number, number, number, number] }
  | { /** Corners. */ readonly polygon: readonly (readonly [x: number, y: number])[] }
);

/** Reads `name=x,y,w,h`, or the corners of a polygon, `name=x,y,x,y,x,y`; given several times, each is added. */
export function regionOption(text: string, before: readonly Region[] = []): readonly Region[] {
  const [, name, numbers = ''] = /^([a-z0-9][a-z0-9-]{0,62})=(.+)$/.exec(text) ?? [];
  const shares = numbers.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  const place = boxOf(shares) ?? polygonOf(shares);
  if (name === undefined || place === undefined) {
    throw new InvalidArgumentError(
      'It must be name=x,y,w,h: a name of small letters, digits and -, and four shares of the image, such as lane=0.1,0.4,0.3,0.3; or the corners of a polygon, name=x,y,x,y,x,y.',
    );
  }
  if (before.some((region) => region.name === name)) {
    throw new InvalidArgumentError(`The region "${name}" was given before.`);
  }
  return [...before, { name, ...place }];
}

function boxOf(shares: readonly number[]): { box: [number, number, number, number] } | undefined {
  const [x = Number.NaN, y = Number.NaN, width = Number.NaN, height = Number.NaN, ...more] = shares;
  const inside = x >= 0 && y >= 0 && width > 0 && height > 0 && x + width <= 1 + 1e-9 && y + height <= 1 + 1e-9;
  return inside && more.length === 0 ? { box: [x, y, width, height] } : undefined;
}

/** What else a polygon has to be, the configuration says. */
function polygonOf(shares: readonly number[]): { polygon: [number, number][] } | undefined {
  if (shares.length < 6 || shares.length % 2 === 1 || !shares.every((share) => share >= 0 && share <= 1))
    return undefined;
  return { polygon: shares.flatMap((x, i) => (i % 2 === 0 ? [[x, shares[i + 1] ?? 0] as [number, number]] : [])) };
}
