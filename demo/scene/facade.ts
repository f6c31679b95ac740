import { between, chance, hsl, pick, planeNoise } from './chance.ts';
import { STREET } from './street.ts';
import type { Rgb } from './types.ts';

/** One house of the row across the street. */
export interface Facade {
  readonly left: number;
  readonly right: number;
  readonly height: number;
  readonly wall: Rgb;
  /** Metres from window to window. */
  readonly bay: number;
  readonly storey: number;
  readonly shop: boolean;
  readonly awning: Rgb;
}

/** Houses from edge to edge, with a gap where the side street comes out. */
export function makeFacades(seed: number): Facade[] {
  const random = chance(seed, 71);
  const facades: Facade[] = [];
  const fill = (from: number, to: number): void => {
    for (let left = from; left < to; ) {
      const right = Math.min(to, left + between(random, 6, 11));
      facades.push({
        left,
        right,
        height: between(random, 7.5, 13),
        wall: hsl(between(random, 12, 48), between(random, 0.1, 0.4), between(random, 0.5, 0.76)),
        bay: between(random, 1.9, 2.6),
        storey: between(random, 2.9, 3.3),
        shop: random.next() < 0.55,
        awning: hsl(pick(random, [4, 120, 210, 35, 280]), 0.45, 0.42),
      });
      left = right;
    }
  };
  fill(-42, STREET.sideLeft - 1.4);
  fill(STREET.sideRight + 1.4, 52);
  return facades;
}

const BRICK_LINE = 0.93;

/** Null where there is no house: the gap, and above the roofs. */
export function facadeColour(seed: number, facades: readonly Facade[], x: number, y: number): Rgb | null {
  const house = facades.find(({ left, right }) => x >= left && x < right);
  if (house === undefined || y > house.height || y < 0) return null;
  const { left, right, height, wall, bay, storey, shop, awning } = house;
  const stain = (planeNoise(seed + 10, x * 0.8, y * 0.8) - 0.5) * 18;
  const scaled = (factor: number): Rgb => [
    wall[0] * factor + stain,
    wall[1] * factor + stain,
    wall[2] * factor + stain,
  ];
  if (y > height - 0.35) return scaled(0.72);
  if (x - left < 0.12 || right - x < 0.12) return scaled(0.8);
  if (shop && y < storey) return shopColour(seed, x - left, y, right - left, storey, awning);
  const floor = Math.floor(y / storey);
  const across = (x - left - 0.5) / bay;
  const u = (across - Math.floor(across)) * bay;
  const v = y - floor * storey;
  const whole = Math.floor(across) * bay + 0.5 + bay < right - left && across > 0;
  if (whole && u > bay * 0.25 && u < bay * 0.75 && v > 0.85 && v < storey - 0.55) {
    const frame = u < bay * 0.25 + 0.08 || u > bay * 0.75 - 0.08 || Math.abs(u - bay * 0.5) < 0.04;
    if (frame) return [222, 220, 214];
    const curtain = planeNoise(seed + 11, Math.floor(across) * 3.7 + left, floor * 5.3);
    return curtain > 0.66 ? [168, 160, 140] : [70 + v * 22, 84 + v * 24, 98 + v * 26];
  }
  if (v > 0.72 && v < 0.85 && u > bay * 0.2 && u < bay * 0.8 && whole) return scaled(1.12);
  return scaled((y * 4) % 1 < 0.12 ? BRICK_LINE : 1);
}

function shopColour(seed: number, u: number, y: number, width: number, storey: number, awning: Rgb): Rgb {
  if (y > storey - 0.75) return y > storey - 0.12 ? [60, 58, 56] : awning;
  if (y < 0.45 || u < 0.5 || width - u < 0.5) return [92, 84, 78];
  const door = Math.abs(u - width * 0.3);
  if (door < 0.5) return door > 0.42 ? [60, 52, 48] : [44, 52, 60];
  const goods = planeNoise(seed + 12, u * 1.6, y * 1.6);
  return [66 + goods * 64, 70 + goods * 52, 78 + goods * 34];
}
