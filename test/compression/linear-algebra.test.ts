import { afterAll, describe, expect, it } from 'vitest';
import { inverseFactor } from '../../compression/linear-algebra/cholesky.ts';
import { MatrixProducts } from '../../compression/linear-algebra/products.ts';
import { solveRows } from '../../compression/linear-algebra/solve.ts';
import { inverseCholesky } from '../../compression/rounding/solve.ts';
import { seededRandom } from '../../core/random.ts';

const products = new MatrixProducts();
afterAll(() => products.close());

/** A A' + size / 10 I of a random square A. */
function positiveDefinite(size: number): Float64Array {
  const random = seededRandom(size);
  const a = Float64Array.from({ length: size * size }, () => random.normal());
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    let sum = i === j ? size / 10 : 0;
    for (let k = 0; k < size; k++) sum += a[i * size + k]! * a[j * size + k]!;
    return sum;
  });
}

describe('matrix products', () => {
  it('are those of loops, either factor transposed, in both precisions', async () => {
    const [rows, inner, columns] = [3, 5, 4];
    const a = Float64Array.from({ length: rows * inner }, (_, i) => i - 6);
    const b = Float64Array.from({ length: inner * columns }, (_, i) => 2 * i - 11);
    const turned = (values: Float64Array, height: number, width: number): Float64Array =>
      values.map((_, at) => values[(at % height) * width + Math.floor(at / height)]!);
    const expected = Array.from({ length: rows * columns }, (_, at) => {
      let sum = 0;
      for (let k = 0; k < inner; k++)
        sum += a[Math.floor(at / columns) * inner + k]! * b[k * columns + (at % columns)]!;
      return sum;
    });
    for (const Type of [Float32Array, Float64Array]) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const out = new Type(rows * columns);
          const left = { data: Type.from(transposeA ? turned(a, rows, inner) : a), rows: transposeA ? inner : rows };
          const right = {
            data: Type.from(transposeB ? turned(b, inner, columns) : b),
            rows: transposeB ? columns : inner,
          };
          await products.multiply<Float32Array | Float64Array>(
            out,
            { ...left, columns: transposeA ? rows : inner },
            { ...right, columns: transposeB ? inner : columns },
            { transposeA, transposeB },
          );
          expect([...out]).toEqual(expected);
        }
      }
    }
  });
});

describe('the inverse factor', () => {
  it.each([1, 40, 64, 65, 200])('of %i columns is that of loops', async (size) => {
    const matrix = positiveDefinite(size);
    const before = matrix.slice();
    const found = await inverseFactor(matrix, size, products);
    const expected = inverseCholesky(matrix, size);
    expect(matrix).toEqual(before);
    expect(found).toHaveLength(size * size);
    found?.forEach((value, at) => {
      expect(value).toBeCloseTo(expected?.[at] ?? Number.NaN, 9);
    });
  });

  it('does not exist where the matrix is not positive definite, in whichever panel that shows', async () => {
    for (const at of [0, 70, 129]) {
      const matrix = positiveDefinite(130);
      matrix[at * 130 + at] = -1;
      expect(await inverseFactor(matrix, 130, products)).toBeUndefined();
    }
  });

  it('is given up when aborted', async () => {
    const stop = new AbortController();
    const found = inverseFactor(positiveDefinite(300), 300, products, stop.signal);
    stop.abort();
    await expect(found).rejects.toThrow();
  });
});

describe('solving', () => {
  it.each([1, 5, 128, 300])('gives back what was multiplied with a matrix of %i columns', async (size) => {
    const random = seededRandom(3);
    const matrix = positiveDefinite(size);
    const rows = 4;
    const x = Float64Array.from({ length: rows * size }, () => random.normal());
    const b = { data: new Float64Array(rows * size), rows, columns: size };
    await products.multiply(b.data, { ...b, data: x }, { data: matrix, rows: size, columns: size });
    expect(await solveRows(matrix, b, products)).toBe(true);
    b.data.forEach((value, i) => {
      expect(value).toBeCloseTo(x[i]!, 8);
    });
  });

  it('refuses a matrix that is not positive definite', async () => {
    const matrix = positiveDefinite(200);
    matrix[150 * 200 + 150] = -1;
    expect(await solveRows(matrix, { data: new Float64Array(200), rows: 1, columns: 200 }, products)).toBe(false);
  });
});
