/** Autocorrelations below it are noise of a series of this length, and sums of noise grow. */
const NEGLIGIBLE = 0.05;

/**
 * How many values of a series say as much about its mean as one independent value would: 1 + 2 (sum of the autocorrelations), summed
 * until they first fall below 0.05 (an initial positive sequence, Geyer 1992).
 *
 * A series that does not vary has the time 1.
 */
export function autocorrelationTime(series: readonly number[]): number {
  const n = series.length;
  if (n < 2) return 1;
  const mean = series.reduce((sum, value) => sum + value, 0) / n;
  const away = series.map((value) => value - mean);
  const covariance = (lag: number): number => {
    let sum = 0;
    for (let i = lag; i < n; i++) sum += away[i]! * away[i - lag]!;
    return sum / n;
  };
  const variance = covariance(0);
  if (variance <= 0) return 1;
  let time = 1;
  for (let lag = 1; lag < n / 2; lag++) {
    const correlation = covariance(lag) / variance;
    if (correlation < NEGLIGIBLE) break;
    time += 2 * correlation;
  }
  return time;
}

/** A block's mean depends on its neighbour's by about time / (2 blocks): a tenth of this factor's inverse. */
const TIMES = 5;

/** Frames of a block: several times longer than the frames remember, within bounds. */
export const blockFrames = (time: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, Math.ceil(TIMES * time)));
