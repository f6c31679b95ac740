/** What is known of a mean after some blocks. */
export interface Moments {
  readonly blocks: number;
  readonly mean: number;
  /** Of one block, n - 1 in the denominator; NaN before the second. */
  readonly deviation: number;
}

/** Mean and deviation of a series that arrives value by value (Welford 1962). */
export class RunningMoments {
  #blocks = 0;
  #mean = 0;
  #squares = 0;

  /** @param zeros values of 0 that came before: a class that appears late was absent until then, not unknown */
  constructor(zeros = 0) {
    this.#blocks = zeros;
  }

  add(value: number): void {
    this.#blocks++;
    const away = value - this.#mean;
    this.#mean += away / this.#blocks;
    this.#squares += away * (value - this.#mean);
  }

  get moments(): Moments {
    const { blocks, mean } = { blocks: this.#blocks, mean: this.#mean };
    return { blocks, mean, deviation: blocks > 1 ? Math.sqrt(this.#squares / (blocks - 1)) : Number.NaN };
  }
}

/**
 * Variance of the effect (mean / deviation of a block) that the mixture expects. Larger ones find large differences sooner and small
 * ones later; whatever it is, the error rates hold.
 */
const MIXTURE = 0.2;

/**
 * Half the width of a confidence sequence of a mean: with probability 1 - alpha the mean lies within it *at every number of blocks
 * together*, so that it may be looked at after each.
 *
 * Mixture sequential probability ratio test with unknown variance: effects d ~ N(0, g) against the hypothesis of no effect have the
 * ratio r^(-1/2) [(1 + t^2/v) / (1 + t^2/(r v))]^((v + 1)/2) of t = sqrt(n) mean / s, with v = n - 1 and r = 1 + n g (Gönen et al. 2005,
 * equation 3). It is a martingale of the scale-free statistics (Lai 1976; Wang and Ramdas 2024), and Ville's inequality bounds where it
 * ever passes 1/alpha. Solved for t: t^2 = v (q - 1) / (1 - q/r) with q = (sqrt(r) / alpha)^(2 / (v + 1)).
 *
 * Exact for independent normal blocks: those of a trial are longer than the autocorrelation of what they count, and means over
 * hundreds of frames.
 *
 * @param floor deviation of a block that is taken at least: a series of equal values says less than it seems to
 * @returns Infinity as long as no width is wide enough
 */
export function halfWidth({ blocks, deviation }: Moments, alpha: number, floor: number): number {
  if (blocks < 2) return Number.POSITIVE_INFINITY;
  const freedom = blocks - 1;
  const r = 1 + blocks * MIXTURE;
  const q = (Math.sqrt(r) / alpha) ** (2 / (freedom + 1));
  if (q >= r) return Number.POSITIVE_INFINITY;
  return Math.max(deviation, floor) * Math.sqrt((freedom * (q - 1)) / (1 - q / r) / blocks);
}
