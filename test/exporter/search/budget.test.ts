import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Precision, type Precisions, planned, precisionOf, wider } from '../../../exporter/quantize/precision.ts';
import { budgetMissed, holdBudget } from '../../../exporter/search/budget.ts';

/** Each layer costs points by its own weight, fewer the finer it is: 0 in float. */
const COST: Readonly<Record<string, number>> = { 4: 1, 8: 0.5, 16: 0.2, 32: 0.1, 64: 0.05, int8: 0.02, float: 0 };
const costOf = (weight: number, width: Precision): number => weight * COST[String(width)]!;

function search(
  weights: readonly number[],
  points: number,
  { start = 4, error = 0 }: { start?: Precision; error?: number } = {},
) {
  const names = weights.map((_, i) => `layer${i}`);
  const weightOf = new Map(names.map((name, i) => [name, weights[i]!]));
  const lostAt = (precisions: Precisions): number =>
    [...precisions].reduce((sum, [name, width]) => sum + costOf(weightOf.get(name)!, width), 0);
  const held = holdBudget({
    points,
    precisions: new Map(names.map((name) => [name, start])),
    lost: (precisions) => Promise.resolve({ points: lostAt(precisions), error }),
    sensitivity: (name, width) => Promise.resolve(costOf(weightOf.get(name)!, width)),
  });
  return { held, lostAt };
}

test('the budget holds for whatever the layers cost, and what was measured last is what was chosen', async () => {
  const weights = fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(weights, fc.double({ min: 0, max: 3, noNaN: true }), async (costs, points) => {
      const { held, lostAt } = search(costs, points);
      const { precisions, steps } = await held;
      expect(lostAt(precisions)).toBeLessThanOrEqual(points);
      expect(steps.at(-1)).toBe(lostAt(precisions));
    }),
  );
});

test('a margin for chance is kept, but no more than half the budget', async () => {
  expect([...(await search([0.25], 0.3).held).precisions.values()]).toEqual([4]);
  expect([...(await search([0.25], 0.3, { error: 0.1 }).held).precisions.values()]).toEqual([8]);
  expect([...(await search([0.25], 0.3, { error: 9 }).held).precisions.values()]).toEqual([8]);
});

test('the layers that cost most are widened, the others stay', async () => {
  const { precisions } = await search([0.01, 3, 0.01, 0.01, 0.01], 0.2).held;
  expect([...precisions.entries()].filter(([, width]) => width !== 4)).toEqual([['layer1', 64]]);
});

test('inside the budget nothing is widened, and no layer is measured alone', async () => {
  const { precisions, sensitivity, steps } = await search([0.01, 0.02], 1).held;
  expect([...precisions.values()]).toEqual([4, 4]);
  expect(sensitivity.size).toBe(0);
  expect(steps).toHaveLength(1);
});

test('a loss that no width takes away ends in float, not in an endless search', async () => {
  const { precisions, steps } = await holdBudget({
    points: 0.3,
    precisions: new Map([['a', 16]]),
    lost: () => Promise.resolve({ points: 1, error: 0 }),
    sensitivity: () => Promise.resolve(1),
  });
  expect([...precisions.values()]).toEqual(['float']);
  expect(steps).toHaveLength(5);
});

test('widths go up through the clusters to int8 and float, and a plan says them', () => {
  const path: Precision[] = [3];
  for (let next = wider(3); next !== undefined; next = wider(next)) path.push(next);
  expect(path).toEqual([3, 6, 12, 24, 48, 64, 'int8', 'float']);
  const layer = { name: 'a', weights: 9, clusters: 16, groups: 2 };
  for (const width of path) expect(precisionOf(planned(layer, width))).toBe(width);
});

test('what was missed is said with the layers that cost most and what to try', () => {
  const precisions = new Map<string, Precision>([
    ['stem', 16],
    ['body', 'int8'],
    ['head', 'float'],
  ]);
  const sensitivity = new Map([
    ['body', 0.1],
    ['stem', 0.5],
    ['head', 0],
  ]);
  const error = budgetMissed(0.3, 1.234, precisions, sensitivity);
  expect(error.code).toBe('BUDGET_MISSED');
  expect(error.message).toBe(
    'the compressed model loses 1.23 points on the test images, the budget is 0.3; most costly: stem (16 clusters), body (int8)',
  );
  expect(error.hint).toMatch(/more --clusters, or none.*--calibration.*--budget/);
});
