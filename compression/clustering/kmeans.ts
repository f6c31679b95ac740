import { WaysideError } from '../../core/errors.ts';

/** A weighted set of points on a line, in ascending order of value. */
export interface WeightedPoints {
  readonly values: ArrayLike<number>;
  /** Not negative; the importance of each point. */
  readonly weights: ArrayLike<number>;
}

interface KMeansResult {
  /** Ascending; at most `k`, fewer where the points have fewer distinct values. */
  readonly centroids: Float64Array;
  /** `starts[c]` is the first point of cluster c: clusters of a line are intervals. */
  readonly starts: Int32Array;
  /** Sum of weight * (value - centroid)^2. */
  readonly cost: number;
}

export function requireClusterCount(k: number): void {
  if (Number.isInteger(k) && k >= 2 && k <= 256) return;
  throw new WaysideError('CLUSTER_INVALID', {
    message: `the number of clusters must be a whole number from 2 to 256, not ${k}`,
    hint: '16 clusters are stored in 4 bits a weight, 64 in 6 bits',
  });
}

/** Cost of one interval of points in O(1) from prefix sums of w, w x and w x^2. */
function intervalCosts({ values, weights }: WeightedPoints) {
  const count = values.length;
  const mass = new Float64Array(count + 1);
  const first = new Float64Array(count + 1);
  const second = new Float64Array(count + 1);
  // Shifting by the middle point keeps the difference of the two large sums below exact enough.
  const origin = count === 0 ? 0 : (values[count >> 1] ?? 0);
  for (let i = 0; i < count; i++) {
    const x = values[i]! - origin;
    const w = weights[i]!;
    mass[i + 1] = mass[i]! + w;
    first[i + 1] = first[i]! + w * x;
    second[i + 1] = second[i]! + w * x * x;
  }
  const cost = (from: number, to: number): number => {
    const m = mass[to]! - mass[from]!;
    if (m <= 0) return 0;
    const f = first[to]! - first[from]!;
    return Math.max(0, second[to]! - second[from]! - (f * f) / m);
  };
  const mean = (from: number, to: number): number => {
    const m = mass[to]! - mass[from]!;
    return origin + (m > 0 ? (first[to]! - first[from]!) / m : values[from]! - origin);
  };
  return { cost, mean };
}

/**
 * The best possible k-means of points on a line, by dynamic programming (Wang and Song, Ckmeans.1d.dp, 2011):
 * D[c][j] = min over i of D[c-1][i] + cost(i, j). The best i does not fall as j grows, so each row is filled by divide
 * and conquer: O(k n log n). Deterministic: on a tie the smaller split wins.
 *
 * @throws {WaysideError} CLUSTER_INVALID when k is not from 2 to 256 or the points are not ascending and finite
 */
export function optimalKMeans(points: WeightedPoints, k: number): KMeansResult {
  requireClusterCount(k);
  requireAscending(points);
  const count = points.values.length;
  const { cost, mean } = intervalCosts(points);
  const rows = Math.min(k, distinctCount(points.values));
  let previous = Float64Array.from({ length: count + 1 }, (_, j) => cost(0, j));
  const splits: Int32Array[] = [];
  for (let row = 1; row < rows; row++) {
    const current = new Float64Array(count + 1);
    const split = new Int32Array(count + 1);
    const before = previous;
    const fill = (low: number, high: number, from: number, to: number): void => {
      if (low > high) return;
      const j = (low + high) >> 1;
      let best = Number.POSITIVE_INFINITY;
      let bestAt = from;
      for (let i = from; i <= Math.min(to, j); i++) {
        const total = before[i]! + cost(i, j);
        if (total < best) {
          best = total;
          bestAt = i;
        }
      }
      current[j] = best;
      split[j] = bestAt;
      fill(low, j - 1, from, bestAt);
      fill(j + 1, high, bestAt, to);
    };
    fill(0, count, 0, count);
    splits.push(split);
    previous = current;
  }
  const starts = traceBack(splits, count);
  const centroids = Float64Array.from(starts, (start, c) => mean(start, starts[c + 1] ?? count));
  return { centroids, starts, cost: previous[count] ?? 0 };
}

function traceBack(splits: readonly Int32Array[], count: number): Int32Array {
  const starts: number[] = [];
  let end = count;
  for (let row = splits.length - 1; row >= 0; row--) {
    const start = splits[row]![end]!;
    if (start < end) starts.unshift(start);
    end = start;
  }
  if (end > 0 || starts.length === 0) starts.unshift(0);
  return Int32Array.from(starts);
}

function distinctCount(values: ArrayLike<number>): number {
  let distinct = 0;
  for (let i = 0; i < values.length; i++) if (i === 0 || values[i] !== values[i - 1]) distinct++;
  return distinct;
}

function requireAscending({ values, weights }: WeightedPoints): void {
  for (let i = 0; i < values.length; i++) {
    const ascending = i === 0 || values[i]! >= values[i - 1]!;
    if (ascending && Number.isFinite(values[i]) && weights[i]! >= 0 && Number.isFinite(weights[i])) continue;
    throw new WaysideError('CLUSTER_INVALID', {
      message: `points to cluster must be finite, ascending and of non-negative weight: point ${i} is not`,
    });
  }
}
