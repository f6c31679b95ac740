import type { Point } from './geometry.ts';

/** Corners, by their place in the list, of which the second repeats the first. */
export function repeatedCorner(polygon: readonly Point[]): readonly [number, number] | undefined {
  const first = new Map<string, number>();
  for (const [i, [x, y]] of polygon.entries()) {
    const before = first.get(`${x} ${y}`);
    if (before !== undefined) return [before, i];
    first.set(`${x} ${y}`, i);
  }
  return undefined;
}

/** Edges, by the corners they start at, that share more than a corner in which one follows the other. */
export function crossingEdges(polygon: readonly Point[]): readonly [number, number] | undefined {
  const corner = (i: number): Point => polygon[i % polygon.length]!;
  for (let i = 0; i < polygon.length; i++) {
    for (let j = i + 1; j < polygon.length; j++) {
      const follows = j === i + 1 || (i === 0 && j === polygon.length - 1);
      const meet = follows
        ? j === i + 1
          ? foldsBack(corner(i), corner(j), corner(j + 1))
          : foldsBack(corner(j), corner(i), corner(i + 1))
        : segmentsMeet(corner(i), corner(i + 1), corner(j), corner(j + 1));
      if (meet) return [i, j];
    }
  }
  return undefined;
}

/** Edges, by the corners they start at, that go through each other; what only touches does not. */
export function piercingEdges(polygon: readonly Point[]): readonly [number, number] | undefined {
  const corner = (i: number): Point => polygon[i % polygon.length]!;
  const parts = (i: number, j: number): boolean =>
    sideOf(corner(i), corner(i + 1), corner(j)) * sideOf(corner(i), corner(i + 1), corner(j + 1)) < 0;
  for (let i = 0; i < polygon.length; i++)
    for (let j = i + 2; j < polygon.length; j++) if (parts(i, j) && parts(j, i)) return [i, j];
  return undefined;
}

/** A quarter of a pixel of an image that is 2,500 pixels wide. */
const LINE_WIDTH = 1e-4;

/** Whether all corners lie on one line, or in one place. */
export function onOneLine(polygon: readonly Point[]): boolean {
  const [[ax, ay] = [0, 0]] = polygon;
  const distance = ([x, y]: Point): number => Math.hypot(x - ax, y - ay);
  const far = polygon.reduce<Point>((best, each) => (distance(each) > distance(best) ? each : best), [ax, ay]);
  const length = distance(far);
  if (length < LINE_WIDTH) return true;
  return polygon.every(([x, y]) => Math.abs((far[0] - ax) * (y - ay) - (far[1] - ay) * (x - ax)) < LINE_WIDTH * length);
}

/** In shares of the image. */
export function areaOf(polygon: readonly Point[]): number {
  const twice = polygon.reduce((sum, [ax, ay], i) => {
    const [bx, by] = polygon[(i + 1) % polygon.length]!;
    return sum + ax * by - bx * ay;
  }, 0);
  return Math.abs(twice) / 2;
}

/** On which side of the line through `a` and `b` a place is: 1, -1, or 0 on it. */
const sideOf = ([ax, ay]: Point, [bx, by]: Point, [x, y]: Point): number =>
  Math.sign((bx - ax) * (y - ay) - (by - ay) * (x - ax));

const foldsBack = (a: Point, b: Point, c: Point): boolean =>
  sideOf(a, b, c) === 0 && (b[0] - a[0]) * (c[0] - b[0]) + (b[1] - a[1]) * (c[1] - b[1]) < 0;

function segmentsMeet(a: Point, b: Point, c: Point, d: Point): boolean {
  const [sides, others] = [
    [sideOf(a, b, c), sideOf(a, b, d)],
    [sideOf(c, d, a), sideOf(c, d, b)],
  ] as const;
  if (sides[0] !== sides[1] && others[0] !== others[1]) return true;
  const within = (from: Point, to: Point, [x, y]: Point): boolean =>
    x >= Math.min(from[0], to[0]) &&
    x <= Math.max(from[0], to[0]) &&
    y >= Math.min(from[1], to[1]) &&
    y <= Math.max(from[1], to[1]);
  return (
    (sides[0] === 0 && within(a, b, c)) ||
    (sides[1] === 0 && within(a, b, d)) ||
    (others[0] === 0 && within(c, d, a)) ||
    (others[1] === 0 && within(c, d, b))
  );
}
