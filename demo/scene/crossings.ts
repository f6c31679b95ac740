import type { Direction, Line } from '../../daemon/vision/line-counter.ts';
import { HEIGHT, type Lens, OVERSAMPLING, WIDTH } from './lens.ts';
import { outlinesAt } from './outlines.ts';
import { STREET } from './street.ts';
import type { SceneClass, Vec3 } from './types.ts';

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
/**
 * Between the lower edges of vehicles on both lanes (9.1 and 12.3): no box that trembles changes lanes. On the zebra crossing those who
 * come from both sides have not met here.
 */
const MIDDLE = 10.7;
/**
 * A line over the near lane goes on over the kerb, to where nobody walks (from 6.2 on): a bus drives 65 cm beside the kerb, and the lower edge
 * of its box trembles by as much. Of a line that ended at the kerb, one long vehicle in fourteen was taken to pass the end.
 */
const BEYOND_KERB = 0.9;

/** A line over each lane beyond its stop line, and one across the way of those who walk over the zebra crossing. */
export function countingLines(lens: Lens): readonly Line[] {
  const line = (id: string, from: Vec3, to: Vec3): Line => ({ id, from: seenAt(lens, from), to: seenAt(lens, to) });
  return [
    line('near', [2.5, 0, MIDDLE], [2.5, 0, nearKerb - BEYOND_KERB]),
    line('far', [2.5, 0, farKerb], [2.5, 0, MIDDLE]),
    line('side', [sideLeft, 0, sideStop - 1], [2 * sideLane - sideLeft, 0, sideStop - 1]),
    line('zebra', [zebraLeft - 0.6, 0, MIDDLE], [zebraRight + 0.6, 0, MIDDLE]),
  ];
}

/** Steps a second; a vehicle goes 60 cm in between, all but straight. */
const STEPS = 15;

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
    for (const { name, class: kind, box } of outlinesAt(seed, lens, t)) {
      const point: Point = [box[0] + box[2] / 2, box[1] + box[3]];
      now.set(name, point);
      const last = before.get(name);
      if (last === undefined) continue;
      for (const line of lines) {
        const passage = passed(line, last, point);
        if (passage === undefined) continue;
        const { direction, share } = passage;
        const key = `${name} ${line.id} ${direction}`;
        if (counted.has(key)) continue;
        counted.add(key);
        crossings.push({ line: line.id, direction, class: kind, name, t: t - (1 - share) / STEPS });
      }
    }
    before = now;
  }
  return crossings;
}

/** In which direction, and after what share of it, the way from `a` to `b` passes a line between its ends. */
function passed(
  { from, to }: Line,
  a: Point,
  b: Point,
): { readonly direction: Direction; readonly share: number } | undefined {
  const side = ([x, y]: Point): number => (to[0] - from[0]) * (y - from[1]) - (to[1] - from[1]) * (x - from[0]);
  const [first, second] = [side(a), side(b)];
  if (first < 0 === second < 0) return undefined;
  const share = first / (first - second);
  const [px, py] = [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const along = ((px - from[0]) * dx + (py - from[1]) * dy) / (dx ** 2 + dy ** 2);
  return along < 0 || along > 1 ? undefined : { direction: first < 0 ? 'forward' : 'backward', share };
}
