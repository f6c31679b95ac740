import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MatrixProducts } from '../../../../compression/linear-algebra/products.ts';
import { fewSamplesMeans } from '../../../../compression/pruning/reconstruct/few-samples.ts';
import type { Algebra } from '../../../../compression/pruning/reconstruct/fit-problem.ts';
import { leastSquares } from '../../../../compression/pruning/reconstruct/least-squares.ts';
import { wideMeans } from '../../../../compression/pruning/reconstruct/wide-products.ts';
import { GramSession } from '../../../../compression/rounding/gram.ts';
import { seededRandom } from '../../../../core/random.ts';

let algebra: Algebra;
beforeAll(async () => {
  algebra = { gram: await GramSession.open(), products: new MatrixProducts() };
});
afterAll(async () => {
  await algebra.gram.close();
  await algebra.products.close();
});

/** Y = X T' and some noise; what is given is T with other noise. */
function problemOf(samples: number, inputs: number, outputs: number, noise: number) {
  const random = seededRandom(samples);
  const normal = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const x = normal(samples * inputs);
  const truth = normal(outputs * inputs);
  const y = new Float32Array(samples * outputs);
  for (let s = 0; s < samples; s++) {
    for (let o = 0; o < outputs; o++) {
      let sum = noise * random.normal();
      for (let i = 0; i < inputs; i++) sum += x[s * inputs + i]! * truth[o * inputs + i]!;
      y[s * outputs + o] = sum;
    }
  }
  const weights = truth.map((value) => value + 0.5 * random.normal());
  return { x, y, samples, inputs, outputs, weights, bias: new Float64Array(outputs), damping: 1e-3 };
}

describe('least squares with fewer samples than inputs', () => {
  it('finds by way of the samples what the sums of the inputs give, and the same errors', async () => {
    const problem = problemOf(60, 90, 3, 0.1);
    const few = fewSamplesMeans(problem, algebra);
    const wide = wideMeans(problem, algebra);
    const [bySamples, bySums] = [await few.sums(0, 60), await wide.sums(0, 60)];
    expect(bySamples.variance).toBeCloseTo(bySums.variance, 2);
    for (const damping of [1e-2, 1]) {
      const found = await few.solve(bySamples, damping);
      (await wide.solve(bySums, damping)).forEach((value, i) => {
        expect(found[i]).toBeCloseTo(value, 3);
      });
      expect(await few.error(bySamples, found)).toBeCloseTo(await wide.error(bySums, found), 1);
    }
  });

  it('moves the weights given towards the samples', async () => {
    const { before, after } = await leastSquares(problemOf(400, 700, 4, 0), algebra);
    expect(after).toBeLessThan(0.5 * before);
  });

  it('leaves them where no damping serves the samples held back', async () => {
    const problem = problemOf(300, 700, 4, 0);
    const random = seededRandom(9);
    problem.y.forEach((_, i) => {
      problem.y[i] = random.normal();
    });
    problem.weights.fill(0);
    expect((await leastSquares(problem, algebra)).weights.every((weight) => Math.abs(weight) < 0.01)).toBe(true);
  });
});
