import { inverseCholesky } from '../../rounding/solve.ts';
import { dampedCovariance, inverseOfDiagonal } from './damping.ts';
import type { BlockState } from './elimination.ts';
import type { Reader } from './readers.ts';

/**
 * A block in loops. With H the inverse of the covariance and S the columns of a channel, the least error of the output that its removal
 * leaves, with all other weights free to compensate, is tr(W_S H_SS^-1 W_S'); then W -= W_S H_SS^-1 H_S: and H -= H_:S H_SS^-1 H_S:.
 *
 * @param norm what its errors are divided by
 */
export function narrowBlock({ weights, rows, size, covariance, columns }: Reader, norm: number): BlockState {
  const w = weights.slice();
  const inverse = dampedInverse(covariance, size);
  return {
    price(channel) {
      const at = columns[channel] ?? [];
      if (at.length === 0) return 0;
      const a = inverseOfBlock(inverse, size, at);
      let sum = 0;
      for (let r = 0; r < rows; r++) {
        for (let i = 0; i < at.length; i++) {
          const wi = w[r * size + at[i]!]!;
          for (let j = 0; j < at.length; j++) sum += wi * a[i * at.length + j]! * w[r * size + at[j]!]!;
        }
      }
      return sum / norm;
    },
    remove(channel) {
      const at = columns[channel] ?? [];
      if (at.length === 0) return false;
      removeColumns(w, rows, inverse, size, at);
      return true;
    },
  };
}

/** tr(W C W'): variance of the outputs, added up over the channels. */
export function varianceOf({ weights, rows, size, covariance }: Reader): number {
  let sum = 0;
  for (let r = 0; r < rows; r++) {
    for (let i = 0; i < size; i++) {
      let line = 0;
      for (let j = 0; j < size; j++) line += covariance[i * size + j]! * weights[r * size + j]!;
      sum += line * weights[r * size + i]!;
    }
  }
  return sum;
}

/** The weights once some columns are gone and the others have made up for them. */
export function withoutColumns(reader: Reader, at: readonly number[]): Float64Array {
  const { weights, rows, size, covariance } = reader;
  const known = INVERSES.get(reader) ?? dampedInverse(covariance, size);
  INVERSES.set(reader, known);
  const w = weights.slice();
  removeColumns(w, rows, known.slice(), size, at);
  return w;
}

/** Of readers that lose some columns, then others. */
const INVERSES = new WeakMap<Reader, Float64Array>();

/** Takes columns out of weights and inverse covariance; the weights that stay make up for them. In place. */
function removeColumns(
  w: Float64Array,
  rows: number,
  inverse: Float64Array,
  size: number,
  at: readonly number[],
): void {
  const a = inverseOfBlock(inverse, size, at);
  const count = at.length;
  /** A H_S: */
  const pull = new Float64Array(count * size);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j < count; j++) {
      const factor = a[i * count + j]!;
      const line = at[j]! * size;
      for (let k = 0; k < size; k++) pull[i * size + k]! += factor * inverse[line + k]!;
    }
  }
  subtract(w, rows, size, at, pull);
  subtract(inverse, size, size, at, pull);
  for (const i of at) {
    for (let r = 0; r < rows; r++) w[r * size + i] = 0;
    for (let k = 0; k < size; k++) inverse[i * size + k] = inverse[k * size + i] = 0;
  }
}

/** inverse(H_SS). */
function inverseOfBlock(inverse: Float64Array, size: number, at: readonly number[]): Float64Array {
  const part = new Float64Array(at.length ** 2);
  for (let i = 0; i < at.length; i++) {
    for (let j = 0; j < at.length; j++) part[i * at.length + j] = inverse[at[i]! * size + at[j]!]!;
  }
  return invertSmall(part, at.length);
}

/** m -= m[:, at] pull */
function subtract(m: Float64Array, rows: number, size: number, at: readonly number[], pull: Float64Array): void {
  const held = new Float64Array(at.length);
  for (let r = 0; r < rows; r++) {
    const line = r * size;
    at.forEach((column, i) => {
      held[i] = m[line + column]!;
    });
    for (let i = 0; i < at.length; i++) {
      const factor = held[i]!;
      if (factor === 0) continue;
      for (let k = 0; k < size; k++) m[line + k]! -= factor * pull[i * size + k]!;
    }
  }
}

function dampedInverse(covariance: Float64Array, size: number): Float64Array {
  const matrix = dampedCovariance(covariance, size);
  const u = inverseCholesky(matrix, size);
  if (u === undefined) return inverseOfDiagonal(matrix, size);
  const inverse = new Float64Array(size * size);
  for (let k = 0; k < size; k++) {
    for (let i = k; i < size; i++) {
      const factor = u[k * size + i]!;
      if (factor === 0) continue;
      for (let j = k; j < size; j++) inverse[i * size + j]! += factor * u[k * size + j]!;
    }
  }
  return inverse;
}

/** Inverse of a small symmetric matrix. One that has none is that of columns that never vary: removing them costs nothing. */
export function invertSmall(matrix: Float64Array, size: number): Float64Array {
  const u = inverseCholesky(matrix, size);
  const inverse = new Float64Array(size * size);
  if (u === undefined) return inverse;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = 0;
      for (let k = 0; k <= Math.min(i, j); k++) sum += u[k * size + i]! * u[k * size + j]!;
      inverse[i * size + j] = sum;
    }
  }
  return inverse;
}
