/** Scores of one image and its class. */
export interface Scored {
  readonly scores: readonly number[];
  readonly label: number;
}

/** Mean of -ln softmax(factor * scores)[label]. */
export function crossEntropy(scored: readonly Scored[], factor: number): number {
  let total = 0;
  for (const { scores, label } of scored) {
    const highest = Math.max(...scores);
    const sum = scores.reduce((s, score) => s + Math.exp(factor * (score - highest)), 0);
    total += Math.log(sum) - factor * (scores[label]! - highest);
  }
  return total / scored.length;
}

/**
 * The factor that makes softmax of scores honest probabilities: least cross-entropy on images that were not learned from
 * (Guo et al. 2017, "temperature scaling"). Convex in the factor, so golden-section search finds it.
 */
export function calibrateFactor(scored: readonly Scored[], [low, high]: readonly [number, number] = [0.1, 10]): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [low, high];
  while (b - a > 1e-3) {
    const [c, d] = [b - ratio * (b - a), a + ratio * (b - a)];
    if (crossEntropy(scored, c) < crossEntropy(scored, d)) b = d;
    else a = c;
  }
  return (a + b) / 2;
}
