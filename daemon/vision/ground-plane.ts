import type { Point } from './geometry.ts';

/** Four places on the image and where they are on the ground, m. */
export interface Calibration {
  readonly image: readonly Point[];
  readonly metres: readonly Point[];
}

/** Where a place on the image is on the ground, m; undefined at and beyond the horizon. */
type GroundPlane = (point: Point) => Point | undefined;

/**
 * The plane through four places: the homography that takes their images to their metres (direct linear transformation, Hartley and
 * Zisserman 2004, 4.1, with h33 = 1).
 *
 * @returns undefined where three of the four lie on one line
 */
export function groundPlane({ image, metres }: Calibration): GroundPlane | undefined {
  if (onOneLine(image) || onOneLine(metres)) return undefined;
  const rows: number[][] = [];
  for (const [i, [x, y]] of image.entries()) {
    const [u, v] = metres[i] ?? [Number.NaN, Number.NaN];
    rows.push([x, y, 1, 0, 0, 0, -u * x, -u * y, u], [0, 0, 0, x, y, 1, -v * x, -v * y, v]);
  }
  const h = solve(rows);
  if (h === undefined) return undefined;
  const w = ([x, y]: Point): number => h[6]! * x + h[7]! * y + 1;
  const side = Math.sign(w(image[0]!));
  if (image.some((point) => Math.sign(w(point)) !== side)) return undefined;
  return (point) => {
    const scale = w(point);
    if (Math.sign(scale) !== side || Math.abs(scale) < 1e-9) return undefined;
    const [x, y] = point;
    return [(h[0]! * x + h[1]! * y + h[2]!) / scale, (h[3]! * x + h[4]! * y + h[5]!) / scale];
  };
}

/** Whether three of four places lie on one line, by the areas between them as shares of the largest. */
function onOneLine(points: readonly Point[]): boolean {
  const areas = points.map((_, left) => {
    const [a, b, c] = points.filter((_, i) => i !== left);
    return Math.abs((b![0] - a![0]) * (c![1] - a![1]) - (b![1] - a![1]) * (c![0] - a![0]));
  });
  return !(Math.min(...areas) > 1e-3 * Math.max(...areas));
}

/** Gauss with pivots. @param rows `[n, n + 1]` @returns undefined where the system has no one solution */
function solve(rows: number[][]): number[] | undefined {
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let r = column + 1; r < n; r++) if (Math.abs(rows[r]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = r;
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const head = rows[column]!;
    if (!(Math.abs(head[column]!) > 1e-9)) return undefined;
    for (let r = 0; r < n; r++) {
      if (r === column) continue;
      const factor = rows[r]![column]! / head[column]!;
      for (let c = column; c <= n; c++) rows[r]![c]! -= factor * head[c]!;
    }
  }
  return rows.map((row, i) => row[n]! / row[i]!);
}

/** Places of the last moments, of which the speed is the slope. */
interface Way {
  readonly times: number[];
  readonly points: Point[];
}

/** Over which a speed is measured, s: a vehicle at 50 km/h has gone 11 m, and a metre of error is a tenth of that. */
const WINDOW_SECONDS = 0.8;
const LEAST_SECONDS = 0.3;

/** How fast each object moves on the ground. */
export class Speedometer {
  readonly #plane: GroundPlane;
  readonly #ways = new Map<number, Way>();

  constructor(plane: GroundPlane) {
    this.#plane = plane;
  }

  /** @param ground place of the object on the image @returns m/s; undefined while it was not followed for long enough */
  update(track: number, ground: Point, time: number): number | undefined {
    const place = this.#plane(ground);
    if (place === undefined) return undefined;
    const way = this.#ways.get(track) ?? { times: [], points: [] };
    this.#ways.set(track, way);
    way.times.push(time);
    way.points.push(place);
    while (time - way.times[0]! > WINDOW_SECONDS && way.times.length > 2) {
      way.times.shift();
      way.points.shift();
    }
    if (time - way.times[0]! < LEAST_SECONDS) return undefined;
    return Math.hypot(slope(way, 0), slope(way, 1));
  }

  /** Forgets all but these. */
  keep(tracks: ReadonlySet<number>): void {
    for (const track of this.#ways.keys()) if (!tracks.has(track)) this.#ways.delete(track);
  }
}

/** Least squares: the trembling of single boxes weighs little. */
function slope({ times, points }: Way, axis: 0 | 1): number {
  const n = times.length;
  const [t0, x0] = [mean(times), mean(points.map((point) => point[axis]))];
  let [above, below] = [0, 0];
  for (let i = 0; i < n; i++) {
    above += (times[i]! - t0) * (points[i]![axis] - x0);
    below += (times[i]! - t0) ** 2;
  }
  return below === 0 ? 0 : above / below;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
