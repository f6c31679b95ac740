import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign } from '../../../daemon/vision/assignment.ts';

/** Pairs and total cost of the best of all assignments, by trying them. */
function best(costs: readonly (readonly number[])[], row = 0, used = 0): readonly [pairs: number, cost: number] {
  const here = costs[row];
  if (here === undefined) return [0, 0];
  let found = best(costs, row + 1, used);
  for (const [j, cost] of here.entries()) {
    if (cost === Number.POSITIVE_INFINITY || (used & (1 << j)) !== 0) continue;
    const [pairs, total] = best(costs, row + 1, used | (1 << j));
    if (pairs + 1 > found[0] || (pairs + 1 === found[0] && total + cost < found[1])) found = [pairs + 1, total + cost];
  }
  return found;
}

const cost = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.constant(Number.POSITIVE_INFINITY));
const matrices = fc
  .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 6 }))
  .chain(([rows, columns]) =>
    fc.array(fc.array(cost, { minLength: columns, maxLength: columns }), { minLength: rows, maxLength: rows }),
  );

describe('assign', () => {
  it('finds as many pairs at as low a cost as trying all of them', () => {
    fc.assert(
      fc.property(matrices, (costs) => {
        const columns = assign(costs);
        const pairs = columns.flatMap((column, row) => (column < 0 ? [] : [costs[row]?.[column] ?? Number.NaN]));
        expect(columns).toHaveLength(costs.length);
        expect(new Set(columns.filter((column) => column >= 0)).size).toBe(pairs.length);
        expect([pairs.length, pairs.reduce((a, b) => a + b, 0)]).toEqual(best(costs));
      }),
      { numRuns: 300 },
    );
  });
});
