import { describe, expect, it } from 'vitest';
import { type Random, seededRandom } from '../../../core/random.ts';
import { beta, binomial, gamma, poisson } from '../../../daemon/audit/distributions.ts';

const DRAWS = 20_000;

/** Mean and variance within five standard errors of the mean, and 8% for the variance. */
function expectMoments(draw: (random: Random) => number, mean: number, variance: number): void {
  const random = seededRandom(5);
  const drawn = Array.from({ length: DRAWS }, () => draw(random));
  const found = drawn.reduce((sum, each) => sum + each, 0) / DRAWS;
  const spread = drawn.reduce((sum, each) => sum + (each - found) ** 2, 0) / DRAWS;
  expect(Math.abs(found - mean)).toBeLessThan(5 * Math.sqrt(variance / DRAWS));
  expect(Math.abs(spread / variance - 1)).toBeLessThan(0.08);
}

describe('draws have the mean and the variance of their distribution', () => {
  it.each([0.3, 1, 7.5, 120])('gamma of shape %d', (shape) => {
    expectMoments((random) => gamma(shape, random), shape, shape);
  });
  it.each([
    [0.5, 4],
    [3, 2],
    [90, 10],
  ])('beta of %d and %d', (a, b) => {
    expectMoments((random) => beta(a, b, random), a / (a + b), (a * b) / ((a + b) ** 2 * (a + b + 1)));
  });
  it.each([0.2, 3, 15.9, 40, 700])('Poisson of mean %d', (mean) => {
    expectMoments((random) => poisson(mean, random), mean, mean);
  });
  it.each([
    [1, 0.4],
    [12, 0.03],
    [40, 0.5],
    [300, 0.93],
  ])('binomial of %d trials at %d', (trials, share) => {
    expectMoments((random) => binomial(trials, share, random), trials * share, trials * share * (1 - share));
  });
});

it('what is certain is not drawn', () => {
  const random = seededRandom(1);
  expect([binomial(9, 0, random), binomial(9, 1, random), binomial(0, 0.4, random), poisson(0, random)]).toEqual([
    0, 9, 0, 0,
  ]);
});
