import { between, chance } from './chance.ts';
import type { Vec3 } from './types.ts';

export const WIDTH = 640;
export const HEIGHT = 360;
/** Samples per pixel and axis where something moves; 1 leaves staircases on every roof line. */
export const OVERSAMPLING = 2;

/** A pinhole camera; screen coordinates are in samples, from the top left. */
export interface Lens {
  readonly position: Vec3;
  readonly right: Vec3;
  readonly up: Vec3;
  readonly forward: Vec3;
  /** Focal length in samples. */
  readonly focal: number;
  /** Null nearer than half a metre. `depth` is along the optical axis, metres. */
  project(point: Vec3): { readonly x: number; readonly y: number; readonly depth: number } | null;
}

/** A mast at the kerb, 6.5 m high; every seed hangs the camera a little differently. */
export function createLens(seed: number): Lens {
  const random = chance(seed, 11);
  const position: Vec3 = [between(random, -0.6, 0.2), between(random, 6.2, 7), between(random, -11.5, -10.7)];
  const yaw = (between(random, 5, 7) * Math.PI) / 180;
  const pitch = (between(random, 11, 12) * Math.PI) / 180;
  const focal = (WIDTH * OVERSAMPLING) / 2 / Math.tan((29 * Math.PI) / 180);
  const [cy, sy, cp, sp] = [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  const right: Vec3 = [cy, 0, -sy];
  const up: Vec3 = [sy * sp, cp, cy * sp];
  const forward: Vec3 = [sy * cp, -sp, cy * cp];
  const centreX = (WIDTH * OVERSAMPLING) / 2;
  const centreY = (HEIGHT * OVERSAMPLING) / 2;
  return {
    position,
    right,
    up,
    forward,
    focal,
    project([px, py, pz]) {
      const dx = px - position[0];
      const dy = py - position[1];
      const dz = pz - position[2];
      const depth = dx * forward[0] + dy * forward[1] + dz * forward[2];
      if (depth < 0.5) return null;
      const scale = focal / depth;
      return {
        x: centreX + scale * (dx * right[0] + dy * right[1] + dz * right[2]),
        y: centreY - scale * (dx * up[0] + dy * up[1] + dz * up[2]),
        depth,
      };
    },
  };
}
