import type { MatrixProducts } from '../../linear-algebra/products.ts';
import type { GramSession } from '../../rounding/gram.ts';

export interface FitProblem {
  /** `[samples, inputs]`; centred in place. */
  readonly x: Float32Array;
  /** `[samples, outputs]`; centred in place. */
  readonly y: Float32Array;
  readonly samples: number;
  readonly inputs: number;
  readonly outputs: number;
  /** `[outputs, inputs]`: where the search starts, and what little evidence leaves unchanged. */
  readonly weights: Float32Array;
  readonly bias: Float64Array;
  /** Share of the mean variance of an input added to each: pulls towards `weights`. */
  readonly damping: number;
}

/** What computes: products of a few columns in loops or one call, all others in blocks. */
export interface Algebra {
  readonly gram: GramSession;
  readonly products: MatrixProducts;
  readonly signal?: AbortSignal | undefined;
}

/** Sums, errors and solutions of one problem, by the means that suit its size. */
export interface Means<Sums extends { readonly variance: number }> {
  sums(begin: number, end: number): Promise<Sums>;
  /** Of all samples, from those of both parts. */
  whole(seen: Sums, heldBack: Sums): Promise<Sums>;
  error(sums: Sums, weights: Float32Array): Promise<number>;
  solve(sums: Sums, damping: number): Promise<Float32Array>;
}
