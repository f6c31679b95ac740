import { type Random, seededRandom } from '../../core/random.ts';
import type { Rgb } from './types.ts';

/** FNV-1a over 32-bit words (offset basis 2166136261, prime 16777619), finished with murmur3's fmix32. */
function mix(keys: readonly number[]): number {
  let hash = 2166136261;
  for (const key of keys) hash = Math.imul(hash ^ (key | 0), 16777619);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Numbers that depend on the keys alone: the third car of the seventh cycle is the same whenever it is asked for. */
export const chance = (...keys: readonly number[]): Random => seededRandom(mix(keys));

export const between = (random: Random, low: number, high: number): number => low + (high - low) * random.next();

export function pick<T>(random: Random, from: readonly [T, ...T[]]): T {
  return from[random.below(from.length)] ?? from[0];
}

/** Hue in degrees, saturation and lightness 0 to 1 (CSS Color 4, section 7). */
export function hsl(hue: number, saturation: number, lightness: number): Rgb {
  const chroma = saturation * Math.min(lightness, 1 - lightness);
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12;
    return 255 * (lightness - chroma * Math.max(-1, Math.min(k - 3, 9 - k, 1)));
  };
  return [channel(0), channel(8), channel(4)];
}

/** Smooth noise of one variable, -1 to 1, one knot per unit. */
export function smoothNoise(seed: number, channel: number, at: number): number {
  const knot = Math.floor(at);
  const t = at - knot;
  const value = (k: number): number => chance(seed, channel, k).next() * 2 - 1;
  const ease = t * t * (3 - 2 * t);
  return value(knot) * (1 - ease) + value(knot + 1) * ease;
}

/** Value noise over the plane, 0 to 1, one knot per unit. Cheap: called for every pixel of the backdrop. */
export function planeNoise(seed: number, x: number, y: number): number {
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = x - x0;
  const fy = y - y0;
  const knot = (i: number, j: number): number => {
    let h = Math.imul(i, 374761393) ^ Math.imul(j, 668265263) ^ Math.imul(seed | 0, 2246822519);
    h = Math.imul(h ^ (h >>> 13), 1274126177);
    return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
  };
  const ux = fx * fx * (3 - 2 * fx);
  const uy = fy * fy * (3 - 2 * fy);
  const top = knot(x0, y0) * (1 - ux) + knot(x0 + 1, y0) * ux;
  const bottom = knot(x0, y0 + 1) * (1 - ux) + knot(x0 + 1, y0 + 1) * ux;
  return top * (1 - uy) + bottom * uy;
}
