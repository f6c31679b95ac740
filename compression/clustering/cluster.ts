import { WaysideError } from '../../core/errors.ts';
import { constrainEntropy, evenCodes, type RateConstrained } from './entropy-constrained.ts';
import { CodeCells, optimalCodes } from './grid.ts';
import { requireClusterCount } from './kmeans.ts';
import { nearestCode } from './nearest.ts';
import { absmaxScales, importanceOfRow, searchScales, type WeightRows } from './scales.ts';

interface ClusterOptions {
  /** Weight values per layer, or per channel group: 2 to 256. */
  readonly k: number;
  /** Largest code of the target's int8 grid: 64 or 127. */
  readonly limit: number;
  /** Groups of consecutive output channels, each with a codebook of its own. @default 1 */
  readonly groups?: number;
  /** Share of zero weights from which 0 must stay a code. @default 0.1 */
  readonly sparseFrom?: number;
  /** Rounds of choosing codes for the scales, then scales for the codes. @default 4 */
  readonly rounds?: number;
  /** Output error that a bit is worth: above 0 the codes are those of least error and length together, 0 always among them. @default 0 */
  readonly price?: number;
}

interface ClusteredWeights {
  /** `[groups]`, each ascending, at most k codes. */
  readonly codebooks: readonly Int8Array[];
  /** One scale a row: the weight is scale * code. */
  readonly scales: Float32Array;
  /** `[rows, columns]`: the code of every weight. */
  readonly codes: Int8Array;
  /** Sum of importance * (weight - scale * code)^2. */
  readonly error: number;
  /** Exact zeros of the input must stay zero. */
  readonly zeroKept: boolean;
}

/**
 * Replaces each weight by one of k values of its row: scale of the row * code of the layer. Minimises the sum of
 * importance * (weight - value)^2, which is the layer's output error as far as its inputs are uncorrelated.
 *
 * Alternates two exact steps: the best k codes of the grid for the present scales (`optimalCodes`), and for each row the
 * best scale for the present codes. Neither can raise the error, so it falls to a local minimum; 4 rounds reach it to
 * within a percent. Deterministic.
 *
 * @throws {WaysideError} CLUSTER_INVALID for k outside 2..256, groups that do not divide the rows, or weights that are not finite
 */
export function clusterWeights(rows: WeightRows, options: ClusterOptions): ClusteredWeights {
  const { k, limit, groups = 1, sparseFrom = 0.1, rounds = 4, price = 0 } = options;
  requireClusterCount(k);
  requireClusterable(rows, groups);
  const keepZero = price > 0 || zeroShare(rows.weights) >= sparseFrom;
  const perGroup = rows.rows / groups;
  const parts = Array.from({ length: groups }, (_, group) =>
    clusterGroup(sliceRows(rows, group * perGroup, perGroup), { k, limit, keepZero, rounds, price }),
  );
  const codes = new Int8Array(rows.weights.length);
  const scales = new Float32Array(rows.rows);
  parts.forEach((part, group) => {
    codes.set(part.codes, group * perGroup * rows.columns);
    scales.set(part.scales, group * perGroup);
  });
  const error = parts.reduce((sum, part) => sum + part.error, 0);
  return { codebooks: parts.map((part) => part.codebook), scales, codes, error, zeroKept: keepZero };
}

function clusterGroup(
  rows: WeightRows,
  {
    k,
    limit,
    keepZero,
    rounds,
    price,
  }: Required<Pick<ClusterOptions, 'k' | 'limit' | 'rounds' | 'price'>> & {
    readonly keepZero: boolean;
  },
) {
  let scales = absmaxScales(rows, limit);
  let nearest = nearestCode(optimalCodes(cellsOf(rows, scales, limit), k, { keepZero }));
  for (let round = 0; round < rounds; round++) {
    scales = searchScales(rows, scales, nearest);
    nearest = nearestCode(optimalCodes(cellsOf(rows, scales, limit), k, { keepZero }));
  }
  if (price > 0) return cheapestCodes(rows, { codebook: nearest.codes, scales, price, limit }, k);
  const codes = new Int8Array(rows.weights.length);
  let error = 0;
  for (let row = 0; row < rows.rows; row++) {
    const h = importanceOfRow(rows, row);
    for (let i = 0; i < rows.columns; i++) {
      const at = row * rows.columns + i;
      const w = rows.weights[at]!;
      const code = keepZero && w === 0 ? 0 : nearest.of(w / scales[row]!);
      codes[at] = code;
      error += h[i]! * (w - scales[row]! * code) ** 2;
    }
  }
  return { codebook: usedCodes(codes), scales, codes, error };
}

/** From the codes of least error, and from even steps: the alternation finds what is near its start, the better of the two is taken. */
function cheapestCodes(rows: WeightRows, start: Parameters<typeof constrainEntropy>[1], k: number): RateConstrained {
  const { scales, price, limit } = start;
  const fine = constrainEntropy(rows, start);
  const even = constrainEntropy(rows, { ...start, codebook: evenCodes(rows, scales, price, k, limit) });
  return even.cost < fine.cost ? even : fine;
}

/** A weight's share in the output error is h (w - s c)^2 = h s^2 (w / s - c)^2. */
function cellsOf(rows: WeightRows, scales: Float32Array, limit: number): CodeCells {
  const cells = new CodeCells(limit);
  for (let row = 0; row < rows.rows; row++) {
    const h = importanceOfRow(rows, row);
    const scale = scales[row]!;
    for (let i = 0; i < rows.columns; i++) {
      cells.add(rows.weights[row * rows.columns + i]! / scale, h[i]! * scale * scale);
    }
  }
  return cells;
}

/** The distinct codes that occur, ascending. */
export function usedCodes(codes: Int8Array): Int8Array {
  const seen = new Uint8Array(256);
  for (const code of codes) seen[code + 128] = 1;
  return Int8Array.from(
    Array.from(seen.keys()).filter((i) => seen[i] === 1),
    (i) => i - 128,
  );
}

function sliceRows(rows: WeightRows, from: number, count: number): WeightRows {
  const { columns, weights } = rows;
  const importance = new Float64Array(count * columns);
  for (let row = 0; row < count; row++) importance.set(importanceOfRow(rows, from + row), row * columns);
  return { weights: weights.subarray(from * columns, (from + count) * columns), rows: count, columns, importance };
}

function zeroShare(weights: Float32Array): number {
  let zeros = 0;
  for (const weight of weights) if (weight === 0) zeros++;
  return zeros / Math.max(1, weights.length);
}

function requireClusterable({ weights, rows }: WeightRows, groups: number): void {
  if (!Number.isInteger(groups) || groups < 1 || rows % groups !== 0) {
    throw new WaysideError('CLUSTER_INVALID', {
      message: `${groups} channel groups do not divide ${rows} output channels evenly`,
    });
  }
  if (!weights.every(Number.isFinite)) {
    throw new WaysideError('CLUSTER_INVALID', { message: 'the weights contain values that are not finite' });
  }
}
