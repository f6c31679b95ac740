import type { Box } from '../../inference/image.ts';
import { HEIGHT, type Lens, OVERSAMPLING, WIDTH } from './lens.ts';
import { lightAt } from './light.ts';
import { vehiclesAt } from './traffic.ts';
import type { Placed, SceneClass, Vec3 } from './types.ts';
import { walkersAt } from './walkers.ts';

/** A road user as it lies in the image, hidden or not. */
interface Outline {
  readonly name: string;
  readonly class: SceneClass;
  /** Around all of it that is inside the image, shares from the top left. */
  readonly box: Box;
  /** Of its nearest point, m. */
  readonly depth: number;
}

/** Vehicles and walkers of which anything is inside the image at `t` seconds: from where they are, without rendering. */
export const outlinesAt = (seed: number, lens: Lens, t: number): readonly Outline[] =>
  [...vehiclesAt(seed, t, lightAt(seed, t).dusk), ...walkersAt(seed, t)].flatMap((thing) => outlineOf(thing, lens));

function outlineOf({ faces, position, heading, name, class: kind }: Placed, lens: Lens): Outline[] {
  if (kind === undefined) return [];
  const [cos, sin] = [Math.cos(heading), Math.sin(heading)];
  let [left, right, top, bottom, depth] = [1, 0, 1, 0, Number.POSITIVE_INFINITY];
  for (const { points } of faces) {
    for (const [x, y, z] of points) {
      const at: Vec3 = [position[0] + x * cos - z * sin, position[1] + y, position[2] + x * sin + z * cos];
      const seen = lens.project(at);
      if (seen === null) return [];
      const [u, v] = [seen.x / (WIDTH * OVERSAMPLING), seen.y / (HEIGHT * OVERSAMPLING)];
      if (u < left) left = u;
      if (u > right) right = u;
      if (v < top) top = v;
      if (v > bottom) bottom = v;
      if (seen.depth < depth) depth = seen.depth;
    }
  }
  [left, right, top, bottom] = [Math.max(0, left), Math.min(1, right), Math.max(0, top), Math.min(1, bottom)];
  return left < right && top < bottom
    ? [{ name, class: kind, box: [left, top, right - left, bottom - top], depth }]
    : [];
}
