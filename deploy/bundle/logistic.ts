import { PROBABILITY_BITS } from './range-coder.ts';

/**
 * The logistic function and its inverse as tables. Both sides of the air must compute the same on every processor, so
 * nothing here calls Math.exp or Math.log, whose last bits the language leaves open: additions, products, quotients and
 * Math.floor of doubles are exact by IEEE 754.
 */

/** The domain is [-LIMIT, LIMIT): probabilities from e^-12 = 6e-6. */
const LIMIT = 12;
const STEPS = 256;
const FULL = 2 ** PROBABILITY_BITS;
/** e^(1/256): the sum of its Taylor series, whose sixth term is below the precision of a double. */
const GROWTH = [5, 4, 3, 2, 1].reduce((sum, n) => 1 + sum / (n * STEPS), 1 + 1 / (6 * STEPS));

const SQUASH = new Float64Array(2 * LIMIT * STEPS + 1);
for (let i = 0, power = 1; i <= LIMIT * STEPS; i++, power *= GROWTH) {
  SQUASH[LIMIT * STEPS + i] = Math.floor(FULL * (power / (1 + power)));
  SQUASH[LIMIT * STEPS - i] = Math.ceil(FULL / (1 + power));
}

/** Probability of 16 bits from its logit. */
export function squash(logit: number): number {
  const at = Math.floor((logit + LIMIT) * STEPS);
  return SQUASH[at < 0 ? 0 : at >= SQUASH.length ? SQUASH.length - 1 : at]!;
}

/** Logits of the upper 12 bits of a probability: the least argument whose probability reaches the middle of its step. */
const STRETCH_BITS = 12;
const STRETCH = new Float64Array(2 ** STRETCH_BITS);
for (let i = 0, at = 0; i < STRETCH.length; i++) {
  while (at < SQUASH.length - 1 && SQUASH[at]! < (i + 0.5) * (FULL / STRETCH.length)) at++;
  STRETCH[i] = at / STEPS - LIMIT;
}

/** Logit of a probability of 16 bits. */
export const stretch = (probability: number): number => STRETCH[probability >> (PROBABILITY_BITS - STRETCH_BITS)]!;
