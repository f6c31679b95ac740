import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meanBits, priceOfBits } from '../../../exporter/search/price-of-bits.ts';

describe('the price of a bit', () => {
  it('is found within a percent below what was asked for, in few looks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.6, max: 5, noNaN: true }),
        fc.double({ min: -40, max: -8, noNaN: true }),
        fc.double({ min: 1, max: 6, noNaN: true }),
        async (asked, middle, width) => {
          let looks = 0;
          const bitsAt = async (lambda: number): Promise<number> => {
            looks++;
            return lambda === 0 ? 6 : 6 / (1 + 2 ** ((Math.log2(lambda) - middle) / width));
          };
          const found = await bitsAt(await priceOfBits(asked, bitsAt));
          expect(found).toBeLessThanOrEqual(asked);
          expect(found).toBeGreaterThan(0.99 * asked);
          expect(looks).toBeLessThanOrEqual(18);
        },
      ),
    );
  });

  it('is nothing where nobody asks, or where the codes take no more anyway', async () => {
    expect(await priceOfBits(undefined, () => Promise.reject(new Error('nobody asked')))).toBe(0);
    expect(await priceOfBits(4, async () => 3.7)).toBe(0);
  });

  it('counts every weight alike', () => {
    const even = Int8Array.from({ length: 300 }, (_, i) => i % 4); // 2 bits each
    const one = new Int8Array(100).fill(7); // none
    expect(meanBits([{ codes: even }, { codes: one }])).toBeCloseTo(1.5, 9);
    expect(meanBits([])).toBe(0);
  });
});
