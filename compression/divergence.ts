/**
 * Mean Kullback-Leibler divergence of answers from the expected ones, in nats: 0 when nothing changed. Needs no labels, and
 * sees differences long before an answer changes.
 */
export function meanDivergence(expected: readonly Float32Array[], got: readonly Float32Array[]): number {
  let sum = 0;
  expected.forEach((p, i) => {
    const q = got[i]!;
    p.forEach((share, c) => {
      if (share > 1e-12) sum += share * Math.log(share / Math.max(q[c]!, 1e-12));
    });
  });
  return sum / Math.max(1, expected.length);
}

/** Share of images that both give to the same class. */
export function agreement(expected: readonly Float32Array[], got: readonly Float32Array[]): number {
  const first = (p: Float32Array): number => p.indexOf(Math.max(...p));
  return expected.filter((p, i) => first(p) === first(got[i]!)).length / Math.max(1, expected.length);
}

/** Probabilities at a higher temperature: p^(1/T), normalised. Shows differences between answers that are all but certain. */
export function softened(answers: readonly Float32Array[], temperature: number): Float32Array[] {
  return answers.map((p) => {
    const powers = p.map((share) => Math.max(share, 1e-30) ** (1 / temperature));
    const sum = powers.reduce((total, value) => total + value, 0);
    return powers.map((value) => value / sum);
  });
}
