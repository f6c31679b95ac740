import type { Random } from '../../core/random.ts';

/** Gamma with rate 1 (Marsaglia and Tsang 2000; below shape 1 by their power of a uniform number). @param shape above 0 */
export function gamma(shape: number, random: Random): number {
  if (shape < 1) return gamma(shape + 1, random) * (1 - random.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** @param a,b above 0 */
export function beta(a: number, b: number, random: Random): number {
  const x = gamma(a, random);
  return x / (x + gamma(b, random));
}

/** Above this mean the product of uniform numbers takes long. */
const LONG = 16;

/** Below a mean of 16 by a product of uniform numbers (Knuth); above, from the waiting time for 7/8 of it (Ahrens and Dieter 1974). */
export function poisson(mean: number, random: Random): number {
  let [left, count] = [mean, 0];
  while (left > LONG) {
    const many = Math.floor((left * 7) / 8);
    const time = gamma(many, random);
    if (time > left) return count + binomial(many - 1, left / time, random);
    left -= time;
    count += many;
  }
  const end = Math.exp(-left);
  for (let product = 1 - random.next(); product > end; product *= 1 - random.next()) count++;
  return count;
}

/** By waiting times between successes (Devroye 1986, X.4.3): as long as there are successes, or failures where these are fewer. */
export function binomial(trials: number, share: number, random: Random): number {
  if (share > 0.5) return trials - binomial(trials, 1 - share, random);
  if (share <= 0) return 0;
  const rate = Math.log1p(-share);
  let [count, at] = [0, 0];
  for (;;) {
    at += Math.floor(Math.log(1 - random.next()) / rate) + 1;
    if (at > trials) return count;
    count++;
  }
}
