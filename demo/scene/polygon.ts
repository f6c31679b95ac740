/** A corner on the screen: samples from the top left, and `w`, one over the distance, which is affine across a flat face. */
export interface Corner {
  readonly x: number;
  readonly y: number;
  readonly w: number;
}

/** Called once for each row: samples `from` up to but excluding `to`; `w` at the first, and its step to the next. */
type SpanListener = (row: number, from: number, to: number, w: number, step: number) => void;

/**
 * Walks the rows of a convex polygon. A sample belongs to it when its centre lies inside, left and top edges included,
 * so that faces that share an edge neither overlap nor leave a gap.
 */
export function scan(corners: readonly Corner[], width: number, height: number, onSpan: SpanListener): void {
  const first = corners[0];
  if (first === undefined) return;
  let top = first.y;
  let bottom = first.y;
  for (const { y } of corners) {
    if (y < top) top = y;
    if (y > bottom) bottom = y;
  }
  const { dx, dy, at } = gradient(corners);
  const lastRow = Math.min(height, Math.ceil(bottom - 0.5));
  for (let row = Math.max(0, Math.ceil(top - 0.5)); row < lastRow; row++) {
    const y = row + 0.5;
    let left = Infinity;
    let right = -Infinity;
    for (let i = 0; i < corners.length; i++) {
      const a = corners[i]!;
      const b = corners[i + 1 === corners.length ? 0 : i + 1]!;
      if (a.y <= y === b.y <= y) continue;
      const x = a.x + ((y - a.y) / (b.y - a.y)) * (b.x - a.x);
      if (x < left) left = x;
      if (x > right) right = x;
    }
    const from = Math.max(0, Math.ceil(left - 0.5));
    const to = Math.min(width, Math.ceil(right - 0.5));
    if (from < to) onSpan(row, from, to, at + dx * (from + 0.5) + dy * y, dx);
  }
}

/** The plane `w = at + dx * x + dy * y` through the widest of the corner triples that start at the first corner. */
function gradient(corners: readonly Corner[]): { dx: number; dy: number; at: number } {
  const a = corners[0]!;
  let best = { dx: 0, dy: 0, at: a.w };
  let widest = 1e-6;
  for (let i = 1; i + 1 < corners.length; i++) {
    const b = corners[i]!;
    const c = corners[i + 1]!;
    const area = (b.x - a.x) * (c.y - a.y) - (c.x - a.x) * (b.y - a.y);
    if (Math.abs(area) <= widest) continue;
    widest = Math.abs(area);
    const dx = ((b.w - a.w) * (c.y - a.y) - (c.w - a.w) * (b.y - a.y)) / area;
    const dy = ((b.x - a.x) * (c.w - a.w) - (c.x - a.x) * (b.w - a.w)) / area;
    best = { dx, dy, at: a.w - dx * a.x - dy * a.y };
  }
  return best;
}
