/** A class and its score. */
export interface Ranked {
  readonly index: number;
  readonly score: number;
}

/** exp(x - max) / sum: probabilities from logits, safe for large values. */
export function softmax(logits: ArrayLike<number>): Float32Array {
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < logits.length; i++) highest = Math.max(highest, logits[i]!);
  const out = new Float32Array(logits.length);
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const value = Math.exp(logits[i]! - highest);
    out[i] = value;
    sum += value;
  }
  for (let i = 0; i < out.length; i++) out[i] = out[i]! / sum;
  return out;
}

/** True for scores that already are probabilities: none negative, sum 1 to a thousandth. Some models end in a Softmax. */
function areProbabilities(scores: ArrayLike<number>): boolean {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (!(score >= 0)) return false;
    sum += score;
  }
  return Math.abs(sum - 1) < 1e-3;
}

/** Probabilities whatever the model ends in: logits go through softmax, probabilities pass. */
export const probabilities = (scores: Float32Array): Float32Array =>
  areProbabilities(scores) ? scores : softmax(scores);

/** The `k` highest scores, highest first; of equal scores the lower index first, so that every machine says the same. */
export function topK(scores: ArrayLike<number>, k: number): Ranked[] {
  const best: Ranked[] = [];
  for (let index = 0; index < scores.length; index++) {
    const score = scores[index]!;
    if (best.length === k && !(score > best[k - 1]!.score)) continue;
    let at = best.length;
    while (at > 0 && score > best[at - 1]!.score) at--;
    best.splice(at, 0, { index, score });
    if (best.length > k) best.pop();
  }
  return best;
}

/** Position of the highest score; the first of equals. */
export function argMax(scores: ArrayLike<number>, offset = 0, length = scores.length - offset): number {
  let best = 0;
  for (let i = 1; i < length; i++) if (scores[offset + i]! > scores[offset + best]!) best = i;
  return best;
}

/** Name of a class, `class 17` where the model has no names. */
export const labelOf = (labels: readonly string[] | undefined, index: number): string =>
  labels?.[index] ?? `class ${index}`;
