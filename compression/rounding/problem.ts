import type { NearestCode } from '../clustering/nearest.ts';
import type { PricedCodes } from '../clustering/priced-codes.ts';

/** Codes cost what an entropy coder will spend on them. */
export interface CodePrices {
  readonly codes: PricedCodes;
  /** Error of the layer's output that a bit is worth, above 0. */
  readonly price: number;
  /** Lengths follow what was chosen: where the problem is all that the codebook is for. */
  readonly learns: boolean;
}

export interface RoundProblem {
  /** `[rows, columns]` of one group's weights. */
  readonly weights: Float32Array;
  readonly rows: number;
  readonly columns: number;
  readonly blockColumns: number;
  /** One block of the covariance after the other. */
  readonly covariance: readonly Float32Array[];
  /** One a row; refined in place of the copy returned. */
  readonly scales: Float32Array;
  readonly nearest: NearestCode;
  /** Exact zeros stay zero. */
  readonly keepZero: boolean;
  /** @default codes cost nothing */
  readonly rate?: CodePrices | undefined;
}

export interface Rounded {
  readonly codes: Int8Array;
  readonly scales: Float32Array;
  /** Sum over rows of D' C D: the mean squared error of the layer's outputs, summed over channels. */
  readonly error: number;
}

/** GPTQ's own share of the mean variance added to the diagonal, so that sampled covariances stay invertible. */
const DAMPING = 0.01;

/** What is added to the diagonal of a covariance of this trace. */
export const dampingOf = (trace: number, size: number): number => (DAMPING * trace) / size || 1;

/** A block of the covariance in float64, damped. */
export interface Block {
  /** First column. */
  readonly from: number;
  readonly size: number;
  readonly matrix: Float64Array;
}

/** @param matrix that is filled, of the size of the block. @default a new one */
export function dampedBlock(
  { covariance, blockColumns }: Pick<RoundProblem, 'covariance' | 'blockColumns'>,
  b: number,
  matrix?: Float64Array,
): Block {
  const raw = covariance[b] ?? new Float32Array();
  const size = Math.sqrt(raw.length);
  matrix ??= new Float64Array(raw.length);
  matrix.set(raw);
  let trace = 0;
  for (let i = 0; i < size; i++) trace += matrix[i * size + i]!;
  const damping = dampingOf(trace, size);
  for (let i = 0; i < size; i++) matrix[i * size + i]! += damping;
  return { from: b * blockColumns, size, matrix };
}

/** Columns of the largest variance first: GPTQ leaves them the most others to absorb their error. */
export const columnOrder = ({ size, matrix }: Block): number[] =>
  Array.from({ length: size }, (_, i) => i).sort((a, b) => matrix[b * size + b]! - matrix[a * size + a]! || a - b);

/**
 * The block with its columns in another order.
 *
 * @param result that is filled. @default a new one
 */
export function permuted({ size, matrix }: Block, order: readonly number[], result?: Float64Array): Float64Array {
  result ??= new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const line = order[i]! * size;
    const start = i * size;
    for (let j = 0; j < size; j++) result[start + j] = matrix[line + order[j]!]!;
  }
  return result;
}
