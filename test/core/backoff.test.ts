import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backoffMs } from '../../core/backoff.ts';

const PLAN = { firstMs: 500, longestMs: 30_000 };

describe('backoffMs', () => {
  it('doubles, in the upper half of its range, and never exceeds the longest time', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (failures, chance) => {
          const full = Math.min(30_000, 500 * 2 ** (failures - 1));
          const delay = backoffMs(PLAN, failures, chance);
          expect(delay).toBeGreaterThanOrEqual(Math.floor(full / 2));
          expect(delay).toBeLessThanOrEqual(full);
        },
      ),
    );
  });

  it('differs between boxes that fail in step', () => {
    expect(backoffMs(PLAN, 5, 0.1)).not.toBe(backoffMs(PLAN, 5, 0.9));
  });
});
