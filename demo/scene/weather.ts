import { narrow } from '../../core/narrow.ts';
import type { Box, RgbImage } from '../../inference/image.ts';
import { between, chance, smoothNoise } from './chance.ts';
import { FPS } from './street.ts';
import type { SceneFrame } from './types.ts';

/** What a street can be seen through. Dusk is the light of some seeds (`lightAt`), not of these. */
export const WEATHERS = ['clear', 'rain', 'snow', 'night', 'shake'] as const;
export type Weather = (typeof WEATHERS)[number];

/** The frame as it looks in a weather: a function of seed, index and weather alone. The truth moves with the image where the camera shakes. */
export function inWeather(frame: SceneFrame, weather: Weather, seed: number): SceneFrame {
  switch (weather) {
    case 'clear':
      return frame;
    case 'rain':
      return { ...frame, image: rain(frame.image, seed, frame.index) };
    case 'snow':
      return { ...frame, image: snow(frame.image, seed, frame.index) };
    case 'night':
      return { ...frame, image: night(frame.image, seed, frame.index) };
    case 'shake':
      return shaken(frame, seed);
  }
}

/** Each channel by `of(value)`; a table, since a frame has 700,000 of them. */
function mapped({ data, width, height }: RgbImage, of: (value: number, channel: number) => number): RgbImage {
  const tables = [0, 1, 2].map((channel) => Uint8ClampedArray.from({ length: 256 }, (_, value) => of(value, channel)));
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    out[i] = tables[0]![data[i]!]!;
    out[i + 1] = tables[1]![data[i + 1]!]!;
    out[i + 2] = tables[2]![data[i + 2]!]!;
  }
  return { width, height, data: out };
}

/** Moves a pixel towards a grey by `share`. */
function blend({ data, width, height }: RgbImage, x: number, y: number, grey: number, share: number): void {
  if (x < 0 || y < 0 || x >= width || y >= height) return;
  const at = 3 * (y * width + x);
  for (let i = at; i < at + 3; i++) data[i] = data[i]! + share * (grey - data[i]!);
}

/** Less contrast, and streaks that fall with the wind. */
function rain(image: RgbImage, seed: number, index: number): RgbImage {
  const wet = mapped(image, (value) => 0.72 * value + 26);
  const random = chance(seed, 61, index);
  const wind = between(chance(seed, 62), -0.3, 0.3);
  for (let drop = 0; drop < 350; drop++) {
    const [x, y] = [random.next() * image.width, random.next() * image.height];
    const length = 8 + random.below(12);
    for (let i = 0; i < length; i++) blend(wet, Math.floor(x + wind * i), Math.floor(y) + i, 210, 0.3);
  }
  return wet;
}

/** Paler, and flakes of one to three pixels. */
function snow(image: RgbImage, seed: number, index: number): RgbImage {
  const pale = mapped(image, (value) => 0.7 * value + 60);
  const random = chance(seed, 63, index);
  for (let flake = 0; flake < 450; flake++) {
    const [x, y] = [random.below(image.width), random.below(image.height)];
    const side = 1 + random.below(3);
    for (let i = 0; i < side ** 2; i++) blend(pale, x + (i % side), y + Math.floor(i / side), 245, 0.8);
  }
  return pale;
}

/** Street lamps' yellow, a quarter of the light, and a sensor's noise; what shines by itself stays bright. */
function night(image: RgbImage, seed: number, index: number): RgbImage {
  const tint = [1.05, 0.95, 0.75];
  const dark = mapped(image, (value, channel) => (value > 232 ? value : 8 + 0.3 * tint[channel]! * value));
  const random = chance(seed, 64, index);
  const grain = narrow('int8', 4096, () => Math.round(random.normal() * 5), 'noise of a sensor');
  let at = 0;
  for (let i = 0; i < dark.data.length; i++) {
    at = (at + 1) & 4095;
    if (at === 0) at = random.below(4096);
    dark.data[i] = Math.max(0, Math.min(255, dark.data[i]! + grain[at]!));
  }
  return dark;
}

/** Pixels that a mast moves the image by, either way, two or three times a second. */
const SHAKE = 5;

function shaken(frame: SceneFrame, seed: number): SceneFrame {
  const { data, width, height } = frame.image;
  const t = frame.index / FPS;
  const dx = Math.round(SHAKE * smoothNoise(seed, 65, 5 * t));
  const dy = Math.round(SHAKE * smoothNoise(seed, 66, 5 * t));
  const out = new Uint8Array(data.length);
  const [left, right] = [Math.max(0, dx), Math.min(width, width + dx)];
  for (let y = 0; y < height; y++) {
    const from = 3 * width * Math.min(height - 1, Math.max(0, y - dy));
    const to = 3 * width * y;
    out.set(data.subarray(from + 3 * (left - dx), from + 3 * (right - dx)), to + 3 * left);
    // What comes in at an edge is the pixel there.
    for (let x = 0; x < left; x++) out.set(data.subarray(from, from + 3), to + 3 * x);
    for (let x = right; x < width; x++) out.set(data.subarray(from + 3 * (width - 1), from + 3 * width), to + 3 * x);
  }
  const moved = ([x, y, w, h]: Box): Box => [x + dx / width, y + dy / height, w, h];
  return {
    ...frame,
    image: { width, height, data: out },
    objects: frame.objects.map((each) => ({ ...each, box: moved(each.box), visibleBox: moved(each.visibleBox) })),
  };
}
