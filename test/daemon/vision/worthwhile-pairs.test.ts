import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign } from '../../../daemon/vision/assignment.ts';
import { worthwhilePairs } from '../../../daemon/vision/worthwhile-pairs.ts';

const MOST = 12;
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
      fc.property(matrices, (costs) => {
        const total = (columns: readonly number[]): number =>
          columns.reduce((sum, column, row) => sum + (costs[row]?.[column] ?? MOST), 0);
        const pairs = worthwhilePairs(costs, MOST);
        const taken = pairs.filter((column) => column >= 0);
        expect(new Set(taken).size).toBe(taken.length);
        for (const [row, column] of pairs.entries()) if (column >= 0) expect(costs[row]?.[column]).toBeLessThan(MOST);
        const whole = costs.map((own) => [
          ...own.map((each) => (each < MOST ? each : Number.POSITIVE_INFINITY)),
          ...costs.map(() => MOST),
        ]);
        expect(total(pairs)).toBeCloseTo(total(assign(whole)), 9);
      }),
      { numRuns: 300 },
    );
  });
});
