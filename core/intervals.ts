/** From the lower to the upper end, both included: 95% of such intervals hold the true value. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

const CONFIDENCE = 0.95;
/** Two-sided: 2.5% of a normal distribution lie beyond. */
const Z = 1.959963984540054;

/**
 * Where a share lies of which `right` of `total` were seen (Wilson 1927, without continuity correction). Near 0 and 1, and for few
 * samples, it keeps its confidence where the usual `p +- z sqrt(p(1-p)/n)` does not.
 *
 * @param total at least 1
 */
export function wilson(right: number, total: number): Interval {
  const p = right / total;
  const z2 = (Z * Z) / total;
  const centre = (p + z2 / 2) / (1 + z2);
  const half = (Z / (1 + z2)) * Math.sqrt((p * (1 - p)) / total + z2 / (4 * total));
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half) };
}

/** Two models' answers to the same images: all that varies in the difference of their shares are images that one alone got right. */
interface PairedCounts {
  /** Images that the first model alone answered rightly. */
  readonly lost: number;
  /** Images that the second model alone answered rightly. */
  readonly won: number;
  readonly total: number;
}

export function pairedCounts(first: readonly boolean[], second: readonly boolean[]): PairedCounts {
  let [lost, won] = [0, 0];
  for (const [i, was] of first.entries()) {
    if (was && second[i] === false) lost++;
    if (!was && second[i] === true) won++;
  }
  return { lost, won, total: first.length };
}

/**
 * Where the difference lies between two shares of the same images, second less first.
 *
 * The exact binomial interval (Clopper and Pearson 1934) of who wins an image that the two differ in, which leaves out 0 exactly where
 * McNemar's exact test rejects. It takes the *number* of such images as given; Tango's score interval (1998) does not, and is the wider
 * one where they are few: none in 500 images still allows half a point. The ends are the outer ones of both.
 */
export function pairedDifference(counts: PairedCounts): Interval {
  const { lost, won, total } = counts;
  const differing = lost + won;
  const exact =
    differing === 0
      ? { low: 0, high: 0 }
      : mapped(clopperPearson(won, differing), (share) => (differing * (2 * share - 1)) / total);
  const score = tango(counts);
  return { low: Math.min(exact.low, score.low), high: Math.max(exact.high, score.high) };
}

/** True where chance alone would hardly give such a difference. */
export const isClear = ({ low, high }: Interval): boolean => low > 0 || high < 0;

/** Standard error of a difference of two shares of the same images (McNemar): sqrt(b + c) / n. */
export const pairedError = (differing: number, total: number): number => Math.sqrt(differing) / Math.max(1, total);

export const mapped = ({ low, high }: Interval, map: (value: number) => number): Interval => ({
  low: map(low),
  high: map(high),
});

/** Where `f`, which does not grow, crosses 0 between `low` and `high`. */
function crossing(f: (x: number) => number, low: number, high: number): number {
  let [a, b] = [low, high];
  for (let i = 0; i < 60; i++) {
    const middle = (a + b) / 2;
    if (f(middle) > 0) a = middle;
    else b = middle;
  }
  return (a + b) / 2;
}

function clopperPearson(successes: number, trials: number): Interval {
  const tail = (1 - CONFIDENCE) / 2;
  return {
    low: successes === 0 ? 0 : crossing((p) => tail - (1 - atMost(successes - 1, trials, p)), 0, 1),
    high: successes === trials ? 1 : crossing((p) => atMost(successes, trials, p) - tail, 0, 1),
  };
}

/** P(X <= k) of a binomial distribution. Terms by their ratio, from the largest one down: none overflows, whatever the number of trials. */
function atMost(k: number, trials: number, p: number): number {
  if (p <= 0) return 1;
  if (p >= 1) return k >= trials ? 1 : 0;
  const mode = Math.min(trials, Math.floor((trials + 1) * p));
  let [below, all] = [0, 0];
  const add = (i: number, term: number): void => {
    all += term;
    if (i <= k) below += term;
  };
  const odds = p / (1 - p);
  add(mode, 1);
  for (let i = mode, term = 1; i < trials && term > 1e-20; i++) {
    term *= (odds * (trials - i)) / (i + 1);
    add(i + 1, term);
  }
  for (let i = mode, term = 1; i > 0 && term > 1e-20; i--) {
    term *= i / (odds * (trials - i + 1));
    add(i - 1, term);
  }
  return below / all;
}

/** Tango (1998), equations 4 to 6: the differences that a score test does not reject. */
function tango({ lost, won, total }: PairedCounts): Interval {
  const statistic = (difference: number): number => {
    // Most likely share of images lost, under this difference: the larger root of a quadratic.
    const b = -won - lost + (2 * total - won + lost) * difference;
    const c = -lost * difference * (1 - difference);
    const share = (Math.sqrt(Math.max(0, b * b - 8 * total * c)) - b) / (4 * total);
    const variance = total * (2 * share + difference * (1 - difference));
    const away = won - lost - total * difference;
    return variance <= 0 ? Math.sign(away) * Number.MAX_VALUE : away / Math.sqrt(variance);
  };
  const seen = total === 0 ? 0 : (won - lost) / total;
  return {
    low: crossing((difference) => statistic(difference) - Z, -1, seen),
    high: crossing((difference) => statistic(difference) + Z, seen, 1),
  };
}
