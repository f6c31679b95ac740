import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { cholesky, ridge, type Square, solveLower, solveLowerTransposed } from '../../../demo/classifier/linear.ts';

/** Rows of X, and XᵀX. */
function equations(seed: number, size: number, rows: number): { x: Float64Array[]; gram: Square } {
  const random = seededRandom(seed);
  const x = Array.from({ length: rows }, () => Float64Array.from({ length: size }, () => random.normal()));
  const values = new Float64Array(size * size);
  for (const row of x)
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) values[i * size + j]! += row[i]! * row[j]!;
  return { x, gram: { size, values } };
}

const cases = fc.record({ seed: fc.integer({ min: 0, max: 1e6 }), size: fc.integer({ min: 1, max: 12 }) });

describe('ridge regression', () => {
  it('finds the weights that made the targets when nothing pulls at them', () => {
    fc.assert(
      fc.property(cases, ({ seed, size }) => {
        const { x, gram } = equations(seed, size, 4 * size + 4);
        const random = seededRandom(seed + 1);
        const truth = Float64Array.from({ length: size }, () => random.normal());
        const target = new Float64Array(size);
        for (const row of x) {
          const y = row.reduce((sum, value, k) => sum + value * truth[k]!, 0);
          for (let k = 0; k < size; k++) target[k]! += row[k]! * y;
        }
        const [found] = ridge(gram, [target], 1e-12);
        for (let k = 0; k < size; k++) expect(found![k]).toBeCloseTo(truth[k]!, 6);
      }),
    );
  });

  it('shrinks to the known solution of a single feature: xy / (xx + lambda)', () => {
    expect(ridge({ size: 1, values: Float64Array.of(3) }, [Float64Array.of(6)], 1)[0]![0]).toBeCloseTo(1.5, 12);
  });

  it('factors what it multiplies back to, and solves both triangles', () => {
    fc.assert(
      fc.property(cases, ({ seed, size }) => {
        const { gram } = equations(seed, size, 3 * size + 2);
        const factor = { size, values: gram.values.slice() };
        cholesky(factor);
        const wanted = Float64Array.from({ length: size }, (_, k) => k + 1);
        const b = Float64Array.from({ length: size }, (_, i) =>
          wanted.reduce((sum, value, k) => sum + gram.values[i * size + k]! * value, 0),
        );
        solveLower(factor, b);
        solveLowerTransposed(factor, b);
        for (let k = 0; k < size; k++) expect(b[k]).toBeCloseTo(wanted[k]!, 5);
      }),
    );
  });

  it('refuses equations without a solution', () => {
    expect(() => cholesky({ size: 2, values: Float64Array.of(1, 1, 1, 1) })).toThrow(/singular/);
  });
});
