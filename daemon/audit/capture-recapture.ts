import { wilson } from '../../core/intervals.ts';

/** A crossing that another way of seeing found. */
export interface SecondCapture {
  /** Whether the model counted it as well. */
  readonly counted: boolean;
  /** How clearly it was found, in any unit: frames, size, contrast. */
  readonly strength: number;
}

/** Share of crossings that a model misses, as far as a second capture tells. */
export interface MissAudit {
  /** 0 to 1. */
  readonly missRate: number;
  readonly low: number;
  readonly high: number;
  /** `lower`: more may be missed than `high`, since what one way of seeing overlooks the other tends to overlook too, or that was not to be ruled out. */
  readonly bound: 'both' | 'lower';
}

/** One-sided 5% of a normal distribution. */
const REJECT = 1.644853626951473;
/** With fewer captures, or fewer of them missed or counted, the test of dependence would find nothing: nothing is then ruled out. */
const FEWEST_CAPTURES = 60;
const FEWEST_OF_A_KIND = 5;

/**
 * Estimates misses without truth. Of N crossings the model counted `counted`, the second way of seeing found some, both `m`. Were the two independent,
 * N = (counted + 1)(second + 1) / (m + 1) - 1 (Chapman 1951), and the share missed is 1 - counted / N; of those found the second way, a binomial share is
 * missed, whose interval is Wilson's.
 *
 * Two captures alone cannot show that they are independent. What they do show: whether the model counts those more often that were found
 * clearly (Cochran 1954 and Armitage 1955, trend over ranks, one-sided at 5%). Where it does, whatever is hard to see is so for both, those that
 * neither saw are more than supposed, and the estimate is a lower bound.
 *
 * False captures of the second way count as misses: it has to be one that finds few.
 *
 * @param counted crossings that the model counted
 * @returns null where nothing was found the second way
 */
export function auditMisses(counted: number, second: readonly SecondCapture[]): MissAudit | null {
  if (second.length === 0) return null;
  const both = second.filter((capture) => capture.counted).length;
  const all = ((counted + 1) * (second.length + 1)) / (both + 1) - 1;
  const missRate = all <= 0 ? 1 : Math.min(1, Math.max(0, 1 - counted / all));
  const { low, high } = wilson(second.length - both, second.length);
  const bound = isIndependent(second, both) ? 'both' : 'lower';
  return { missRate, low: Math.min(low, missRate), high: Math.max(high, missRate), bound };
}

function isIndependent(second: readonly SecondCapture[], both: number): boolean {
  const missed = second.length - both;
  if (second.length < FEWEST_CAPTURES || Math.min(both, missed) < FEWEST_OF_A_KIND) return false;
  const ranks = ranksOf(second.map(({ strength }) => strength));
  const middle = (second.length + 1) / 2;
  const share = both / second.length;
  let [trend, square] = [0, 0];
  for (const [i, { counted }] of second.entries()) {
    const away = ranks[i]! - middle;
    trend += away * (Number(counted) - share);
    square += away * away;
  }
  const variance = share * (1 - share) * square;
  return variance > 0 && trend / Math.sqrt(variance) < REJECT; // all found alike: there is nothing to tell by
}

/** From 1; those that are alike share the middle one. */
function ranksOf(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const ranks = values.map(() => 0);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1]!] === values[order[from]!]) to++;
    for (let i = from; i <= to; i++) ranks[order[i]!] = (from + to) / 2 + 1;
    from = to + 1;
  }
  return ranks;
}
