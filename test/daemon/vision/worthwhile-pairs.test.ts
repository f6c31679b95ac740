import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign } from '../../../daemon/vision/assignment.ts';
import { worthwhilePairs } from '../../../daemon/vision/worthwhile-pairs.ts';

/** What a row costs alone. */
const MOST = 12;
const alone = fc.array(fc.constantFrom(MOST, MOST / 2), { minLength: 9, maxLength: 9 });
const cost = fc.oneof(
  fc.double({ min: 0, max: 2 * MOST, noNaN: true }),
  fc.constant(MOST),
  fc.constant(Number.POSITIVE_INFINITY),
);
/** Mostly forbidden, so that there are groups that have nothing to do with each other. */
const sparse = fc.oneof(
  { weight: 2, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
  { weight: 1, arbitrary: cost },
);
const matrices = fc
  .tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 }), fc.constantFrom(cost, sparse))
  .chain(([rows, columns, of]) =>
    fc.array(fc.array(of, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
  );

describe('worthwhilePairs', () => {
  it('costs as little as one assignment of everything in which each row may also stay alone', () => {
    fc.assert(
      fc.property(matrices, alone, (costs, most) => {
        const total = (columns: readonly number[]): number =>
          columns.reduce((sum, column, row) => sum + (costs[row]?.[column] ?? most[row] ?? Number.NaN), 0);
        const pairs = worthwhilePairs(costs, most);
        const taken = pairs.filter((column) => column >= 0);
        expect(new Set(taken).size).toBe(taken.length);
        for (const [row, column] of pairs.entries())
          if (column >= 0) expect(costs[row]?.[column]).toBeLessThan(most[row] ?? 0);
        const whole = costs.map((own, row) => [
          ...own.map((each) => (each < (most[row] ?? 0) ? each : Number.POSITIVE_INFINITY)),
          ...costs.map(() => most[row] ?? Number.NaN),
        ]);
        expect(total(pairs)).toBeCloseTo(total(assign(whole)), 9);
      }),
      { numRuns: 300 },
    );
  });
});
