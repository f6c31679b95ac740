import { optimalKMeans, requireClusterCount, type WeightedPoints } from './kmeans.ts';

interface ClusteredValues {
  /** The values, each replaced by its centroid. */
  readonly values: Float32Array;
  /** Ascending; at most k. */
  readonly centroids: Float32Array;
  /** Sum of importance * (value - centroid)^2 as a share of the sum of importance * value^2. */
  readonly error: number;
}

/** More values than this are put into as many bins of equal width first: their means are what is clustered. */
const MOST_POINTS = 2 ** 16;
/** Share of exact zeros from which they stay zero, as pruning of single weights has left them. */
const SPARSE_FROM = 0.1;

/**
 * Replaces values by at most k of them, chosen so that the sum of importance * (value - centroid)^2 is least: one codebook for a
 * whole layer in float, without the scales of channels that the int8 grid has.
 *
 * @param importance of the value at a position, not negative; one for all by default
 * @throws {WaysideError} CLUSTER_INVALID for k outside 2 to 256, or values that are not finite
 */
export function clusterValues(
  values: Float32Array,
  k: number,
  importance: (position: number) => number = () => 1,
): ClusteredValues {
  requireClusterCount(k);
  const zeros = values.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
  const keepZero = zeros >= SPARSE_FROM * values.length && k > 2;
  const points = pointsOf(values, importance, keepZero);
  const found = optimalKMeans(points, keepZero ? k - 1 : k).centroids;
  const centroids = Float32Array.from(new Set([...found, ...(keepZero ? [0] : [])])).sort();
  const bounds = Float64Array.from(centroids.subarray(1), (right, i) => (centroids[i]! + right) / 2);
  const replaced = new Float32Array(values.length);
  let [lost, all] = [0, 0];
  values.forEach((value, i) => {
    replaced[i] = keepZero && value === 0 ? 0 : (centroids[placeOf(value, bounds)] ?? 0);
    lost += importance(i) * (value - replaced[i]!) ** 2;
    all += importance(i) * value ** 2;
  });
  return { values: replaced, centroids, error: all > 0 ? lost / all : 0 };
}

/** Number of bounds that a value lies above. */
function placeOf(value: number, bounds: Float64Array): number {
  let [low, high] = [0, bounds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value > bounds[middle]!) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The values in ascending order with their importance, few enough for exact k-means. */
function pointsOf(
  values: Float32Array,
  importance: (position: number) => number,
  withoutZeros: boolean,
): WeightedPoints {
  let count = 0;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (withoutZeros && value === 0) continue;
    count++;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (count <= MOST_POINTS) {
    const chosen = Array.from(values.keys()).filter((i) => !withoutZeros || values[i] !== 0);
    chosen.sort((a, b) => values[a]! - values[b]!);
    return { values: chosen.map((i) => values[i]!), weights: chosen.map(importance) };
  }
  const [sums, weights] = [new Float64Array(MOST_POINTS), new Float64Array(MOST_POINTS)];
  const scale = high > low ? (MOST_POINTS - 1) / (high - low) : 0;
  for (let i = 0; i < values.length; i++) {
    if (withoutZeros && values[i] === 0) continue;
    // Something of every value, so that a bin has a mean also where nothing in it matters.
    const weight = Math.max(importance(i), 1e-12);
    const bin = Number.isFinite(scale) ? Math.floor((values[i]! - low) * scale) : 0;
    sums[bin]! += weight * values[i]!;
    weights[bin]! += weight;
  }
  const full = Array.from(weights.keys()).filter((bin) => weights[bin]! > 0);
  return { values: full.map((bin) => sums[bin]! / weights[bin]!), weights: full.map((bin) => weights[bin]!) };
}
