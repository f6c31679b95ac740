import { WaysideError } from '../../core/errors.ts';

/** A square symmetric or triangular matrix, row-major, `[size, size]`. */
export interface Square {
  readonly size: number;
  readonly values: Float64Array;
}

/**
 * Factors a symmetric positive definite matrix in place into L Lᵀ; L is left in the lower triangle.
 * Golub and Van Loan, Matrix Computations, algorithm 4.2.1, by rows so that both factors of the inner product are contiguous.
 *
 * @throws {WaysideError} DATASET_INVALID when the matrix is not positive definite
 */
export function cholesky({ size, values }: Square): void {
  for (let i = 0; i < size; i++) {
    const row = values.subarray(i * size, i * size + i + 1);
    for (let j = 0; j <= i; j++) {
      const other = values.subarray(j * size, j * size + j + 1);
      let sum = row[j]!;
      for (let k = 0; k < j; k++) sum -= row[k]! * other[k]!;
      if (j < i) row[j] = sum / other[j]!;
      else if (sum > 0) row[j] = Math.sqrt(sum);
      else
        throw new WaysideError('DATASET_INVALID', {
          message: `the normal equations are singular at row ${i} of ${size}`,
        });
    }
  }
}

/** Solves L x = b in place for the `vector.length` first rows; L as `cholesky` leaves it. */
export function solveLower({ size, values }: Square, vector: Float64Array): void {
  for (let i = 0; i < size; i++) {
    let sum = vector[i]!;
    for (let k = 0; k < i; k++) sum -= values[i * size + k]! * vector[k]!;
    vector[i] = sum / values[i * size + i]!;
  }
}

/** Solves Lᵀ x = b in place. */
export function solveLowerTransposed({ size, values }: Square, vector: Float64Array): void {
  for (let i = size - 1; i >= 0; i--) {
    const x = vector[i]! / values[i * size + i]!;
    vector[i] = x;
    for (let k = 0; k < i; k++) vector[k]! -= values[i * size + k]! * x;
  }
}

/**
 * Ridge regression from the normal equations: w = (XᵀX + λI)⁻¹ Xᵀy for every target.
 *
 * @param gram XᵀX; overwritten
 * @param targets Xᵀy of each target, `[size]`
 * @param lambda of the same scale as the diagonal of `gram`
 */
export function ridge(gram: Square, targets: readonly Float64Array[], lambda: number): Float64Array[] {
  for (let i = 0; i < gram.size; i++) gram.values[i * gram.size + i]! += lambda;
  cholesky(gram);
  return targets.map((target) => {
    const weights = target.slice();
    solveLower(gram, weights);
    solveLowerTransposed(gram, weights);
    return weights;
  });
}
