/**
 * The upper triangular factor U of the inverse of a positive definite matrix: inverse(C) = U' U.
 *
 * GPTQ (Frantar 2022) takes the same factor: row j of U, divided by its diagonal, says how the remaining columns best
 * absorb an error made in column j. Computed without forming the inverse: with the order of the columns reversed,
 * C = L L', and U is inverse(L) reversed back.
 *
 * @param matrix `[size, size]` row-major, symmetric
 * @returns undefined where the matrix is not positive definite
 */
export function inverseCholesky(matrix: Float64Array, size: number): Float64Array | undefined {
  const lower = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[(size - 1 - i) * size + (size - 1 - j)]!;
      const rowI = i * size;
      const rowJ = j * size;
      for (let k = 0; k < j; k++) sum -= lower[rowI + k]! * lower[rowJ + k]!;
      if (i === j) {
        if (!(sum > 0)) return undefined;
        lower[rowI + i] = Math.sqrt(sum);
      } else {
        lower[rowI + j] = sum / lower[rowJ + j]!;
      }
    }
  }
  return reverse(invertLower(lower, size), size);
}

function invertLower(lower: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    const row = inverse.subarray(i * size, i * size + i + 1);
    for (let k = 0; k < i; k++) {
      const factor = lower[i * size + k]!;
      if (factor === 0) continue;
      const above = k * size;
      for (let j = 0; j <= k; j++) row[j]! -= factor * inverse[above + j]!;
    }
    const diagonal = lower[i * size + i]!;
    for (let j = 0; j < i; j++) row[j]! /= diagonal;
    row[i] = 1 / diagonal;
  }
  return inverse;
}

/** With P the reversal: C = P L L' P, so inverse(C) = P inverse(L)' inverse(L) P = U' U with U = P inverse(L) P, upper. */
function reverse(matrix: Float64Array, size: number): Float64Array {
  const reversed = new Float64Array(matrix.length);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) reversed[(size - 1 - i) * size + (size - 1 - j)] = matrix[i * size + j]!;
  }
  return reversed;
}
