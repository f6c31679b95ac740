/**
 * How alike several devices count one window: 1 less the standard deviation of their counts as a share of the mean, at least 0.
 *
 * @returns null for fewer than two, or where none counted anything
 */
export function scatter(counts: readonly number[]): number | null {
  const mean = counts.reduce((sum, each) => sum + each, 0) / counts.length;
  if (counts.length < 2 || mean === 0) return null;
  const variance = counts.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (counts.length - 1);
  return Math.max(0, 1 - Math.sqrt(variance) / mean);
}
