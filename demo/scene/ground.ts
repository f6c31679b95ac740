import { planeNoise } from './chance.ts';
import { STREET } from './street.ts';
import type { Rgb } from './types.ts';

const grey = (value: number): Rgb => [value, value, value * 1.02];

/** The ground at `x`, `z`; `distance` blurs the grain that a pixel could no longer resolve. */
export function groundColour(seed: number, x: number, z: number, distance: number): Rgb {
  const fine = (planeNoise(seed + 1, x * 7, z * 7) - 0.5) * Math.min(1, 16 / distance);
  const coarse = planeNoise(seed + 2, x * 0.5, z * 0.5) - 0.5;
  const onSide = x > STREET.sideLeft && x < STREET.sideRight;
  const onMain = z > STREET.nearKerb && z < STREET.farKerb;
  if (onMain || onSide) return roadColour(x, z, fine, coarse, onMain, onSide);
  return pavementColour(seed, x, z, fine, coarse);
}

function roadColour(x: number, z: number, fine: number, coarse: number, onMain: boolean, onSide: boolean): Rgb {
  const asphalt = 98 + fine * 26 + coarse * 22;
  const worn = 212 + fine * 40 + coarse * 20;
  if (onMain && onSide) return grey(asphalt);
  const middle = (STREET.nearKerb + STREET.farKerb) / 2;
  if (onMain) {
    const zebra = x > STREET.zebraLeft && x < STREET.zebraRight;
    if (zebra)
      return (z - STREET.nearKerb - 0.2) % 1.06 < 0.53 && z < STREET.farKerb - 0.15 ? grey(worn) : grey(asphalt);
    if (x > STREET.nearStop + 0.15 && x < STREET.nearStop + 0.5 && z < middle) return grey(worn);
    if (x > STREET.farStop - 0.5 && x < STREET.farStop - 0.15 && z > middle) return grey(worn);
    const solid = x > STREET.nearStop - 9 && x < STREET.nearStop + 0.5;
    if (Math.abs(z - middle) < 0.07 && (solid || ((x % 4) + 4) % 4 < 2)) return grey(worn);
    const gutter = Math.min(z - STREET.nearKerb, STREET.farKerb - z);
    return grey(gutter < 0.3 ? asphalt * 0.88 : asphalt);
  }
  const centre = (STREET.sideLeft + STREET.sideRight) / 2;
  if (z > STREET.sideStop - 0.6 && z < STREET.sideStop - 0.2 && x < centre) return grey(worn);
  if (Math.abs(x - centre) < 0.07 && ((z % 4) + 4) % 4 < 2) return grey(worn);
  return grey(asphalt);
}

function pavementColour(seed: number, x: number, z: number, fine: number, coarse: number): Rgb {
  const kerb = Math.min(
    Math.abs(z - STREET.nearKerb),
    Math.abs(z - STREET.farKerb),
    Math.abs(x - STREET.sideLeft),
    Math.abs(x - STREET.sideRight),
  );
  if (kerb < 0.16) return grey(182 + fine * 24);
  const lawn = z < STREET.nearWalk - 2.1 && (x < STREET.sideLeft - 1.6 || x > STREET.sideRight + 1.6);
  if (lawn) {
    const blade = planeNoise(seed + 3, x * 5, z * 5) * 26 + coarse * 30;
    return [92 + blade, 124 + blade, 66 + blade * 0.7];
  }
  const joint = ((x % 0.8) + 0.8) % 0.8 < 0.05 || ((z % 0.8) + 0.8) % 0.8 < 0.05;
  const slab = planeNoise(seed + 4, Math.floor(x / 0.8), Math.floor(z / 0.8)) * 12;
  const base = 156 + slab + fine * 14 + coarse * 12 - (joint ? 16 : 0);
  return [base, base * 0.975, base * 0.93];
}
