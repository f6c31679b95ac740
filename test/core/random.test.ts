import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sampleIndices, seededRandom } from '../../core/random.ts';

describe('seededRandom', () => {
  it('repeats itself for the same seed and differs for another', () => {
    const first = (seed: number): number[] => {
      const random = seededRandom(seed);
      return Array.from({ length: 8 }, () => random.next());
    };
    expect(first(7)).toEqual(first(7));
    expect(first(7)).not.toEqual(first(8));
  });

  it('keeps to its ranges', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 1_000_000 }), (seed, bound) => {
        const random = seededRandom(seed);
        const uniform = random.next();
        const below = random.below(bound);
        return uniform >= 0 && uniform < 1 && Number.isInteger(below) && below >= 0 && below < bound;
      }),
    );
  });

  it('draws standard normals: mean 0 and variance 1 within four standard errors', () => {
    const random = seededRandom(1);
    const count = 20_000;
    const drawn = Array.from({ length: count }, () => random.normal());
    const mean = drawn.reduce((sum, x) => sum + x, 0) / count;
    const variance = drawn.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(count));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
  });
});

describe('sampleIndices', () => {
  it('draws distinct positions inside the set, all of them when asked for more', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(300), fc.integer(), (total, count, seed) => {
        const drawn = sampleIndices(total, count, seededRandom(seed));
        expect(drawn).toHaveLength(Math.min(total, count));
        expect(new Set(drawn).size).toBe(drawn.length);
        expect(drawn.every((index) => index >= 0 && index < total)).toBe(true);
      }),
    );
  });

  it('is uniform: every position is drawn about equally often', () => {
    const random = seededRandom(3);
    const hits = new Array<number>(10).fill(0);
    for (let round = 0; round < 10_000; round++) {
      for (const index of sampleIndices(10, 3, random)) hits[index] = (hits[index] ?? 0) + 1;
    }
    // 3,000 expected; the standard deviation of a binomial(10,000, 0.3) is 46, five of them are 230.
    for (const count of hits) expect(Math.abs(count - 3000)).toBeLessThan(230);
  });
});
