import { between, chance, smoothNoise } from './chance.ts';
import type { Rgb, Vec3 } from './types.ts';

export interface Light {
  /** Unit vector towards the sun. */
  readonly sun: Vec3;
  /** What a surface facing away from the sun still gets, and what the sun adds, 0 to 1. */
  readonly ambient: number;
  readonly direct: number;
  /** Factor of each channel: warm in the evening, cool under clouds. */
  readonly tint: Rgb;
  /** What is left of the light in a shadow, 0 to 1. */
  readonly shade: number;
  /** Lamps are lit. */
  readonly dusk: boolean;
}

/** The light of a scene at a time in seconds: one weather per seed, clouds passing within it. */
export function lightAt(seed: number, seconds: number): Light {
  const random = chance(seed, 21);
  const weather = random.next();
  const azimuth = between(random, -2.6, -0.6);
  const elevation = between(random, 0.55, 1.05);
  const sun: Vec3 = [
    Math.cos(azimuth) * Math.cos(elevation),
    Math.sin(elevation),
    Math.sin(azimuth) * Math.cos(elevation),
  ];
  const cloud = 0.5 + 0.5 * smoothNoise(seed, 22, seconds / 7);
  const dusk = weather > 0.82;
  const overcast = weather < 0.3;
  const direct = overcast ? 0.12 : dusk ? 0.18 : 0.5 * (1 - 0.55 * cloud);
  const ambient = overcast ? 0.72 : dusk ? 0.36 + 0.06 * cloud : 0.56;
  const warm = dusk ? 0.08 : overcast ? -0.03 : 0.025 * (1 - cloud);
  const exposure = 1 + 0.05 * smoothNoise(seed, 23, seconds / 2.3);
  return {
    sun,
    ambient: ambient * exposure,
    direct: direct * exposure,
    tint: [1 + warm, 1, 1 - warm * 1.3],
    shade: (ambient * 0.92) / (ambient + direct),
    dusk,
  };
}
