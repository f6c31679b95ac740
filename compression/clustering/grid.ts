import { requireClusterCount } from './kmeans.ts';

/**
 * What is known of weights that have been divided by their channel's scale, cell by cell of half a code: sums of h,
 * h u and h u^2. Half a code is enough to be exact: two neighbouring codes a < b on the grid meet at (a + b) / 2, which is
 * always the edge of a cell, so no weight of a cell can ever belong to another code than the rest of its cell.
 */
export class CodeCells {
  /** Codes run from -limit to limit. */
  readonly limit: number;
  readonly mass: Float64Array;
  readonly first: Float64Array;
  readonly second: Float64Array;

  constructor(limit: number) {
    this.limit = limit;
    const cells = 4 * limit + 2;
    this.mass = new Float64Array(cells);
    this.first = new Float64Array(cells);
    this.second = new Float64Array(cells);
  }

  /** Adds a scaled weight `u` of importance `h`; what lies outside the codes falls into the outermost cells. */
  add(u: number, h: number): void {
    const cell = Math.min(this.mass.length - 1, Math.max(0, Math.floor(2 * (u + this.limit)) + 1));
    this.mass[cell]! += h;
    this.first[cell]! += h * u;
    this.second[cell]! += h * u * u;
  }
}

function prefix(cells: Float64Array): Float64Array {
  const sums = new Float64Array(cells.length + 1);
  for (let i = 0; i < cells.length; i++) sums[i + 1] = sums[i]! + cells[i]!;
  return sums;
}

/**
 * The k codes of the int8 grid with the least sum of h (u - code)^2, each weight going to its nearest code. Choosing
 * among grid codes directly, instead of rounding free centroids afterwards, is what makes it the optimum of what is stored.
 *
 * D[j][b] = min over a < b of D[j-1][a] + cost of the weights between a and b; at most 255 codes, so O(k 255^2).
 *
 * @param keepZero 0 is among the codes whatever it costs: no step of the recursion may pass over it
 * @returns ascending codes, fewer than k only where the grid has fewer
 * @throws {WaysideError} CLUSTER_INVALID
 */
export function optimalCodes(cells: CodeCells, k: number, { keepZero = false } = {}): Int8Array {
  requireClusterCount(k);
  const { limit } = cells;
  const codes = 2 * limit + 1;
  const mass = prefix(cells.mass);
  const first = prefix(cells.first);
  const second = prefix(cells.second);
  const costTo = (code: number, from: number, to: number): number =>
    second[to]! - second[from]! - 2 * code * (first[to]! - first[from]!) + code * code * (mass[to]! - mass[from]!);
  // Cell 0 lies below code -limit; the cell that starts at code index i (code i - limit) is 2 i + 1.
  const start = (index: number): number => 2 * index + 1;
  const between = (a: number, b: number): number =>
    costTo(a - limit, start(a), a + b + 1) + costTo(b - limit, a + b + 1, start(b));
  const below = (a: number): number => costTo(a - limit, 0, start(a));
  const above = (a: number): number => costTo(a - limit, start(a), cells.mass.length);

  const pairCost = new Float64Array(codes * codes);
  for (let a = 0; a < codes; a++) for (let b = a + 1; b < codes; b++) pairCost[a * codes + b] = between(a, b);
  const rows = Math.min(k, codes);
  let best = Float64Array.from({ length: codes }, (_, a) =>
    keepZero && a > limit ? Number.POSITIVE_INFINITY : below(a),
  );
  const from: Int16Array[] = [];
  for (let row = 1; row < rows; row++) {
    const next = new Float64Array(codes).fill(Number.POSITIVE_INFINITY);
    const came = new Int16Array(codes).fill(-1);
    for (let b = row; b < codes; b++) {
      // A step from a < 0 to b > 0 would leave zero out.
      for (let a = keepZero && b > limit ? limit : row - 1; a < b; a++) {
        const total = best[a]! + pairCost[a * codes + b]!;
        if (total < next[b]!) {
          next[b] = total;
          came[b] = a;
        }
      }
    }
    from.push(came);
    best = next;
  }
  let last = keepZero ? limit : 0;
  let least = Number.POSITIVE_INFINITY;
  for (let a = last; a < codes; a++) {
    const total = best[a]! + above(a);
    if (total < least) {
      least = total;
      last = a;
    }
  }
  const chosen = [last];
  for (let row = rows - 2; row >= 0; row--) {
    last = from[row]![last]!;
    chosen.unshift(last);
  }
  return Int8Array.from(chosen, (index) => index - limit);
}
