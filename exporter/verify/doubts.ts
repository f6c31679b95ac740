import type { LabelledPredictions } from './class-changes.ts';

/** Images below which nothing is said of an accuracy: chance alone does a lot with fewer. */
const LEAST_IMAGES = 16;

/** P(X >= k) of a binomial distribution, by its terms in logarithms. */
export function binomialTail(n: number, k: number, p: number): number {
  if (k <= 0) return 1;
  if (p <= 0 || k > n) return 0;
  if (p >= 1) return 1;
  let logTerm = n * Math.log1p(-p);
  let sum = 0;
  for (let i = 0; i <= n; i++) {
    if (i >= k) sum += Math.exp(logTerm);
    logTerm += Math.log((n - i) / (i + 1)) + Math.log(p) - Math.log1p(-p);
  }
  return Math.min(1, sum);
}

/**
 * Whether answers cannot be told from guesses that are spread as they are: right answers expected by chance are those of independent
 * labels and answers (Cohen's kappa), so that always naming the most common class counts for nothing.
 *
 * @returns what is to be said; undefined where chance would do as well in less than 1 of 20 draws
 */
export function nearChance({ labels, predicted }: LabelledPredictions): string | undefined {
  const n = labels.length;
  if (n < LEAST_IMAGES) return undefined;
  const right = labels.filter((label, i) => predicted[i] === label).length;
  const answered = countsOf(predicted);
  let expected = 0;
  for (const [label, count] of countsOf(labels)) expected += (count / n) * ((answered.get(label) ?? 0) / n);
  if (binomialTail(n, right, expected) < 0.05) return undefined;
  return (
    `the model is near chance: ${right} of ${n} images right, where guessing gets ${(n * expected).toFixed(0)}; ` +
    'its figures mean nothing. Check --normalize (caffe, unit, ...), the order of the classes (--labels), --size, and that --data is what it was trained for'
  );
}

function countsOf(values: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Answers that an int8 model may change before it is said: ResNet20 with 4 clusters changes 1 in 20. */
const MOST_CHANGED = 0.1;

/** Points lost that are said, if they are more than two standard errors. */
const MOST_LOST = 5;

/** What is to be said of an int8 model that answers otherwise than the float model to labelled images. */
export function farFromFloat(before: LabelledPredictions, after: LabelledPredictions): string | undefined {
  const { labels } = before;
  const n = labels.length;
  if (n < LEAST_IMAGES) return undefined;
  const changed = labels.filter((_, i) => before.predicted[i] !== after.predicted[i]).length / n;
  const rights = labels.map((label, i) => [before.predicted[i] === label, after.predicted[i] === label] as const);
  const worse = rights.filter(([was, is]) => was && !is).length;
  const better = rights.filter(([was, is]) => !was && is).length;
  const lost = (100 * (worse - better)) / n;
  const error = (100 * Math.sqrt(worse + better)) / n;
  if (changed <= MOST_CHANGED && !(lost > MOST_LOST && lost > 2 * error)) return undefined;
  return `the compressed model is far from the float model: ${(100 * changed).toFixed(1)} % of its answers are others, ${lost.toFixed(2)} points of top-1 are lost. ${REMEDIES}`;
}

const REMEDIES =
  'Try more or other --calibration images, more --clusters or none, a --budget; and check --normalize: images unlike those of its training make any model hard to quantize';

/** Nats for a classifier, a share of noise for any other model: 1 is as bad as not answering. */
const FAR = { classifier: 0.1, values: 0.25 };

/** The same without labels, of `distance`. */
export const farInDistance = (distance: number, classifies: boolean): string | undefined =>
  distance <= (classifies ? FAR.classifier : FAR.values)
    ? undefined
    : `the int8 model is far from the float model: ${distance.toPrecision(2)} ${classifies ? 'nats of divergence' : 'of its outputs is noise'} on held-out images. ${REMEDIES}`;

/** Training moves codes that are in no codebook; a share of a percent is no matter. */
export const longerThanAsked = (bits: number, asked: number | undefined): string | undefined =>
  asked === undefined || bits <= asked * 1.01
    ? undefined
    : `the codes take ${bits.toFixed(2)} bits a weight, and ${asked} were asked for: training moves them where there are no --clusters`;
