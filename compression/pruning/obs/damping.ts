/** GPTQ's share of the mean variance on the diagonal, so that sampled covariances can be inverted. */
const DAMPING = 0.01;

export function dampedCovariance(covariance: Float64Array, size: number): Float64Array {
  const matrix = covariance.slice();
  let trace = 0;
  for (let i = 0; i < size; i++) trace += matrix[i * size + i]!;
  for (let i = 0; i < size; i++) matrix[i * size + i]! += (DAMPING * trace) / size || 1;
  return matrix;
}

/** What stands for the inverse of a covariance that has none: columns that are told nothing of each other. */
export function inverseOfDiagonal(matrix: Float64Array, size: number): Float64Array {
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) inverse[i * size + i] = 1 / matrix[i * size + i]!;
  return inverse;
}
