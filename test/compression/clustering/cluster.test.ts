import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clusterWeights, usedCodes } from '../../../compression/clustering/cluster.ts';
import { CodeCells, optimalCodes } from '../../../compression/clustering/grid.ts';
import { fullGrid, nearestCode } from '../../../compression/clustering/nearest.ts';
import { absmaxScales, searchScales } from '../../../compression/clustering/scales.ts';
import { seededRandom } from '../../../core/random.ts';

const LIMIT = 4;
const weighted = fc.array(fc.tuple(fc.double({ min: -6, max: 6, noNaN: true }), fc.integer({ min: 0, max: 4 })), {
  minLength: 1,
  maxLength: 30,
});

function costOf(codes: ArrayLike<number>, values: readonly (readonly [number, number])[]): number {
  return values.reduce((sum, [u, h]) => sum + h * Math.min(...Array.from(codes, (code) => (u - code) ** 2)), 0);
}

function* subsets(from: readonly number[], k: number): Generator<number[]> {
  if (k === 0) yield [];
  for (const [i, first] of from.entries()) for (const rest of subsets(from.slice(i + 1), k - 1)) yield [first, ...rest];
}

describe('optimal codes of the int8 grid', () => {
  test('leave no more error than the best of all subsets of the grid', () => {
    fc.assert(
      fc.property(weighted, fc.integer({ min: 2, max: 4 }), fc.boolean(), (values, k, keepZero) => {
        const cells = new CodeCells(LIMIT);
        for (const [u, h] of values) cells.add(u, h);
        const codes = optimalCodes(cells, k, { keepZero });
        let best = Number.POSITIVE_INFINITY;
        for (const subset of subsets([...fullGrid(LIMIT)], k)) {
          if (!keepZero || subset.includes(0)) best = Math.min(best, costOf(subset, values));
        }
        expect(costOf(codes, values)).toBeCloseTo(best, 6);
        if (keepZero) expect(codes).toContain(0);
      }),
      { numRuns: 60 },
    );
  });

  test('the table of nearest codes answers as a search does', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: -64, max: 64 }), { minLength: 1, maxLength: 16 }),
        fc.double({ min: -100, max: 100, noNaN: true }),
        (picked, u) => {
          const codes = Int8Array.from(picked.sort((a, b) => a - b));
          const distance = Math.abs(u - nearestCode(codes).of(u));
          expect(distance).toBeCloseTo(Math.min(...picked.map((code) => Math.abs(u - code))), 9);
        },
      ),
    );
  });
});

function rowsOf(rows: number, columns: number, seed: number, draw = (normal: number) => normal) {
  const random = seededRandom(seed);
  const weights = Float32Array.from({ length: rows * columns }, () => draw(random.normal()));
  return { weights, rows, columns, importance: new Float64Array(columns).fill(1) };
}

describe('clusterWeights', () => {
  test('uses at most k codes within the limit, the same ones every time', () => {
    const rows = rowsOf(8, 64, 1);
    const first = clusterWeights(rows, { k: 16, limit: 64 });
    expect(usedCodes(first.codes).length).toBeLessThanOrEqual(16);
    expect(Math.max(...first.codes.map(Math.abs))).toBeLessThanOrEqual(64);
    expect(clusterWeights(rows, { k: 16, limit: 64 })).toEqual(first);
  });

  test('reports the error it leaves, and leaves less with more clusters', () => {
    const rows = rowsOf(8, 64, 2);
    const errors = [2, 4, 8, 16, 64].map((k) => {
      const { codes, scales, error } = clusterWeights(rows, { k, limit: 64 });
      const measured = rows.weights.reduce((sum, w, i) => sum + (w - scales[Math.floor(i / 64)]! * codes[i]!) ** 2, 0);
      expect(measured).toBeCloseTo(error, 4);
      return error;
    });
    expect(errors).toEqual([...errors].sort((a, b) => b - a));
  });

  test('spends its codes on the columns that matter', () => {
    const rows = rowsOf(4, 64, 3);
    const important = Float64Array.from({ length: 64 }, (_, i) => (i < 8 ? 100 : 1));
    const errorOfFirst = (importance: Float64Array): number => {
      const { codes, scales } = clusterWeights({ ...rows, importance }, { k: 4, limit: 64 });
      let sum = 0;
      for (let row = 0; row < 4; row++) {
        for (let i = row * 64; i < row * 64 + 8; i++) sum += (rows.weights[i]! - scales[row]! * codes[i]!) ** 2;
      }
      return sum;
    };
    expect(errorOfFirst(important)).toBeLessThan(0.8 * errorOfFirst(rows.importance));
  });

  test('keeps the zeros of a pruned layer', () => {
    const rows = rowsOf(8, 64, 4, (normal) => (Math.abs(normal) < 0.7 ? 0 : normal + Math.sign(normal)));
    const { codes, codebooks, zeroKept } = clusterWeights(rows, { k: 4, limit: 64 });
    expect(zeroKept).toBe(true);
    expect(codebooks[0]).toContain(0);
    rows.weights.forEach((weight, i) => {
      if (weight === 0) expect(codes[i]).toBe(0);
    });
  });

  test('gives each channel group a codebook of its own, which never costs more', () => {
    const rows = rowsOf(8, 64, 5);
    const grouped = clusterWeights(rows, { k: 4, limit: 64, groups: 4 });
    expect(grouped.codebooks).toHaveLength(4);
    expect(grouped.error).toBeLessThanOrEqual(clusterWeights(rows, { k: 4, limit: 64 }).error * 1.01);
  });

  test('refuses groups that do not divide the channels, and weights that are not finite', () => {
    const rows = rowsOf(8, 4, 6);
    expect(() => clusterWeights(rows, { k: 4, limit: 64, groups: 3 })).toThrow(
      expect.objectContaining({ code: 'CLUSTER_INVALID' }),
    );
    rows.weights[5] = Number.NaN;
    expect(() => clusterWeights(rows, { k: 4, limit: 64 })).toThrow(
      expect.objectContaining({ code: 'CLUSTER_INVALID' }),
    );
  });
});

test('a weight inside the range of its scale is at most half a scale from its code', () => {
  fc.assert(
    fc.property(fc.array(fc.float({ min: -8, max: 8, noNaN: true }), { minLength: 1, maxLength: 20 }), (values) => {
      const weights = Float32Array.from(values);
      const rows = { weights, rows: 1, columns: weights.length, importance: new Float64Array(weights.length).fill(1) };
      const [scale = 1] = absmaxScales(rows, 127);
      const grid = nearestCode(fullGrid(127));
      for (const w of weights) expect(Math.abs(w - scale * grid.of(w / scale))).toBeLessThanOrEqual(scale * 0.5000001);
    }),
  );
});

test('searching scales never raises the error', () => {
  const rows = rowsOf(6, 50, 7);
  const grid = nearestCode(fullGrid(7));
  const error = (scales: Float32Array): number =>
    rows.weights.reduce((sum, w, i) => {
      const scale = scales[Math.floor(i / 50)]!;
      return sum + (w - scale * grid.of(w / scale)) ** 2;
    }, 0);
  const start = absmaxScales(rows, 7);
  expect(error(searchScales(rows, start, grid))).toBeLessThan(error(start));
});

test('the scale that is found is the best of all that were to be tried, also where their sums were not finished', () => {
  const rows = rowsOf(6, 200, 7);
  const grid = nearestCode(fullGrid(7));
  const start = absmaxScales(rows, 7);
  const errorAt = (row: number, scale: number): number => {
    let sum = 0;
    for (let i = 0; i < 200; i++) {
      const w = rows.weights[row * 200 + i]!;
      sum += rows.importance[i]! * (w - scale * grid.of(w / scale)) ** 2;
    }
    return sum;
  };
  const found = searchScales(rows, start, grid);
  for (const [row, scale] of found.entries()) {
    const tried = Array.from({ length: 33 }, (_, i) => errorAt(row, start[row]! * 1.025 ** (i - 20)));
    expect(errorAt(row, scale)).toBeCloseTo(Math.min(errorAt(row, start[row]!), ...tried), 6);
  }
});
