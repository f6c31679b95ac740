import type { Direction, Line } from '../../daemon/vision/line-counter.ts';
import { HEIGHT, type Lens, OVERSAMPLING, WIDTH } from './lens.ts';
import { lightAt } from './light.ts';
import { STREET } from './street.ts';
import { vehiclesAt } from './traffic.ts';
import type { Placed, SceneClass, Vec3 } from './types.ts';
import { walkersAt } from './walkers.ts';

/** The exact moment at which an object of the scene passed a line. */
interface SceneCrossing {
  readonly line: string;
  readonly direction: Direction;
  readonly class: SceneClass;
  readonly name: string;
  /** s since the scene began. */
  readonly t: number;
}

type Point = readonly [x: number, y: number];

/** Places in the image of a point of the street, shares from the top left. */
function seenAt(lens: Lens, point: Vec3): Point {
  const seen = lens.project(point);
  return seen === null ? [0, 0] : [seen.x / (WIDTH * OVERSAMPLING), seen.y / (HEIGHT * OVERSAMPLING)];
}

const { nearKerb, farKerb, sideLeft, sideLane, sideStop, zebraLeft, zebraRight } = STREET;
/** Between the lanes; vehicles of both stay clear of it. */
const MIDDLE = 11.9;

/** A line over each lane beyond its stop line, and one along the middle of the zebra crossing. */
export function countingLines(lens: Lens): readonly Line[] {
  const line = (id: string, from: Vec3, to: Vec3): Line => ({ id, from: seenAt(lens, from), to: seenAt(lens, to) });
  return [
    line('near', [2.5, 0, MIDDLE], [2.5, 0, nearKerb]),
    line('far', [2.5, 0, farKerb], [2.5, 0, MIDDLE]),
    line('side', [sideLeft, 0, sideStop - 1], [2 * sideLane - sideLeft, 0, sideStop - 1]),
    line('zebra', [zebraLeft - 0.6, 0, MIDDLE], [zebraRight + 0.6, 0, MIDDLE]),
  ];
}

/** Bottom centre of the outline inside the image, hidden or not; undefined where none of it is in the image. */
function groundOf({ faces, position, heading }: Placed, lens: Lens): Point | undefined {
  const [cos, sin] = [Math.cos(heading), Math.sin(heading)];
  let [left, right, bottom, top] = [1, 0, 0, 1];
  for (const { points } of faces) {
    for (const [x, y, z] of points) {
      const at: Vec3 = [position[0] + x * cos - z * sin, position[1] + y, position[2] + x * sin + z * cos];
      const seen = lens.project(at);
      if (seen === null) return undefined;
      const [u, v] = [seen.x / (WIDTH * OVERSAMPLING), seen.y / (HEIGHT * OVERSAMPLING)];
      [left, right] = [Math.min(left, u), Math.max(right, u)];
      [top, bottom] = [Math.min(top, v), Math.max(bottom, v)];
    }
  }
  [left, right, bottom] = [Math.max(0, left), Math.min(1, right), Math.min(1, bottom)];
  return left < right && top < bottom ? [(left + right) / 2, bottom] : undefined;
}

/** Steps a second: a walker goes 3 cm in between. */
const STEPS = 50;

/**
 * Every crossing of the lines by a vehicle or a walker, computed from where things are, not from images: once for an object, line and
 * direction, when the bottom centre of its outline passes the segment.
 */
export function sceneCrossings(
  seed: number,
  lens: Lens,
  lines: readonly Line[],
  { from, to }: { readonly from: number; readonly to: number },
): SceneCrossing[] {
  const crossings: SceneCrossing[] = [];
  const counted = new Set<string>();
  let before = new Map<string, Point>();
  for (let step = Math.ceil(from * STEPS); step <= to * STEPS; step++) {
    const t = step / STEPS;
    const now = new Map<string, Point>();
    for (const thing of [...vehiclesAt(seed, t, lightAt(seed, t).dusk), ...walkersAt(seed, t)]) {
      const point = groundOf(thing, lens);
      if (point === undefined || thing.class === undefined) continue;
      now.set(thing.name, point);
      const last = before.get(thing.name);
      if (last === undefined) continue;
      for (const line of lines) {
        const direction = passed(line, last, point);
        const key = `${thing.name} ${line.id} ${direction}`;
        if (direction === undefined || counted.has(key)) continue;
        counted.add(key);
        crossings.push({ line: line.id, direction, class: thing.class, name: thing.name, t: t - 0.5 / STEPS });
      }
    }
    before = now;
  }
  return crossings;
}

/** The direction in which the way from `a` to `b` passes a line between its ends. */
function passed({ from, to }: Line, a: Point, b: Point): Direction | undefined {
  const side = ([x, y]: Point): number => (to[0] - from[0]) * (y - from[1]) - (to[1] - from[1]) * (x - from[0]);
  const [first, second] = [side(a), side(b)];
  if (first < 0 === second < 0) return undefined;
  const share = first / (first - second);
  const [px, py] = [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const along = ((px - from[0]) * dx + (py - from[1]) * dy) / (dx ** 2 + dy ** 2);
  return along < 0 || along > 1 ? undefined : first < 0 ? 'forward' : 'backward';
}
