import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isClear, pairedCounts, pairedDifference, wilson } from '../../core/intervals.ts';

/** ln n!, summed. */
const LOG_FACTORIALS = Array.from({ length: 101 }, () => 0);
for (let n = 1; n < LOG_FACTORIALS.length; n++) LOG_FACTORIALS[n] = LOG_FACTORIALS[n - 1]! + Math.log(n);
const logFactorial = (n: number): number => LOG_FACTORIALS[n]!;

/** Probability of a multinomial outcome. */
function multinomial(counts: readonly number[], shares: readonly number[]): number {
  const total = counts.reduce((a, b) => a + b, 0);
  return Math.exp(
    counts.reduce(
      (sum, count, i) => sum - logFactorial(count) + (count === 0 ? 0 : count * Math.log(shares[i]!)),
      logFactorial(total),
    ),
  );
}

describe('the interval of an accuracy', () => {
  it("is Wilson's: 81 of 263 and 0 of 10 as they are published (Newcombe 1998)", () => {
    expect(wilson(81, 263)).toEqual({ low: expect.closeTo(0.2553, 4), high: expect.closeTo(0.3662, 4) });
    expect(wilson(0, 10)).toEqual({ low: 0, high: expect.closeTo(0.2775, 4) });
  });

  it('holds the true share about as often as it says', () => {
    for (const p of [0.5, 0.8, 0.95]) {
      let covered = 0;
      for (let right = 0; right <= 100; right++) {
        const { low, high } = wilson(right, 100);
        if (low <= p && p <= high) covered += multinomial([right, 100 - right], [p, 1 - p]);
      }
      expect(covered).toBeGreaterThan(0.93);
      expect(covered).toBeLessThan(0.97);
    }
  });
});

describe('the interval of a difference on the same images', () => {
  it.each([
    [0.05, 0.05],
    [0.02, 0.08],
    [0.2, 0.1],
    [0.001, 0.004],
  ])('holds the truth at least as often as it says: %f lost, %f won', (lost, won) => {
    const total = 50;
    let covered = 0;
    for (let b = 0; b <= total; b++) {
      for (let c = 0; b + c <= total; c++) {
        const { low, high } = pairedDifference({ lost: b, won: c, total });
        const chance = multinomial([b, c, total - b - c], [lost, won, 1 - lost - won]);
        if (low <= won - lost && won - lost <= high) covered += chance;
      }
    }
    expect(covered).toBeGreaterThan(0.945);
  });

  it("is clear only where McNemar's exact test rejects at 5%", () => {
    // 2 * P(X <= 5) of 20 at one half is 0.0414, 2 * P(X <= 6) is 0.115; of 5 images all on one side it is 0.0625, of 6 0.031.
    expect(isClear(pairedDifference({ lost: 15, won: 5, total: 1000 }))).toBe(true);
    expect(isClear(pairedDifference({ lost: 14, won: 6, total: 1000 }))).toBe(false);
    expect(isClear(pairedDifference({ lost: 0, won: 5, total: 1000 }))).toBe(false);
    expect(isClear(pairedDifference({ lost: 0, won: 6, total: 1000 }))).toBe(true);
  });

  it('says little where little was seen: no differing image of 500 still allows half a point', () => {
    const { low, high } = pairedDifference({ lost: 0, won: 0, total: 500 });
    expect(high).toBeCloseTo(-low, 9);
    expect(high).toBeGreaterThan(0.005);
    expect(high).toBeLessThan(0.01);
  });

  it('turns round with the models, holds what was seen, and stays within -1 and 1', () => {
    const counts = fc
      .tuple(fc.nat(300), fc.nat(300), fc.nat(5000))
      .map(([lost, won, same]) => ({ lost, won, total: Math.max(1, lost + won + same) }));
    fc.assert(
      fc.property(counts, ({ lost, won, total }) => {
        const [own, other] = [
          { lost, won, total },
          { lost: won, won: lost, total },
        ].map(pairedDifference);
        expect(own!.low).toBeCloseTo(-other!.high, 9);
        const seen = (won - lost) / total;
        expect(own!.low).toBeLessThanOrEqual(seen + 1e-9);
        expect(own!.high).toBeGreaterThanOrEqual(seen - 1e-9);
        expect(own!.low).toBeGreaterThanOrEqual(-1);
        expect(own!.high).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('counts by image', () => {
    expect(pairedCounts([true, true, false, false], [true, false, true, false])).toEqual({ lost: 1, won: 1, total: 4 });
  });
});
