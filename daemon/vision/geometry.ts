/** A place in shares of the image, from the top left. */
export type Point = readonly [x: number, y: number];

/** Whether a place is inside a polygon; on its edge is either (ray casting, Shimrat 1962). */
export function inside(polygon: readonly Point[], [x, y]: Point): boolean {
  let found = false;
  for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
    const [xi, yi] = polygon[i]!;
    const [xj, yj] = polygon[j]!;
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) found = !found;
  }
  return found;
}

/** Distance of a place to the nearest edge of a polygon. */
export const edgeDistance = (polygon: readonly Point[], point: Point): number =>
  Math.min(...polygon.map((from, i) => segmentDistance(from, polygon[(i + 1) % polygon.length]!, point)));

function segmentDistance([ax, ay]: Point, [bx, by]: Point, [x, y]: Point): number {
  const [dx, dy] = [bx - ax, by - ay];
  const length = dx * dx + dy * dy;
  const share = length === 0 ? 0 : Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / length));
  return Math.hypot(x - ax - share * dx, y - ay - share * dy);
}
