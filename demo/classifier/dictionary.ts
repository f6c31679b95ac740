import type { Random } from '../../core/random.ts';
import { cholesky, type Square, solveLower, solveLowerTransposed } from './linear.ts';

/** Patches in rows: `values[i * length + k]`. */
export interface Patches {
  readonly count: number;
  readonly length: number;
  readonly values: Float64Array;
}

/** Linear filters: response = filter . patch + bias. */
export interface Filters {
  readonly weights: readonly Float64Array[];
  readonly biases: readonly number[];
}

export interface DictionaryOptions {
  readonly filters: number;
  /** Added to the covariance before whitening, as a share of the mean variance: how far faint directions are lifted. */
  readonly regularization: number;
  readonly rounds?: number;
}

/**
 * Filters without labels: patches are whitened, and spherical k-means finds the directions they gather in
 * (Coates and Ng, "Learning feature representations with k-means", 2012). Whitening is by the Cholesky factor L of the
 * covariance, z = L⁻¹(x - mean), so that a direction d of z is the filter L⁻ᵀd of x.
 */
export function learnFilters(
  patches: Patches,
  { filters, regularization, rounds = 10 }: DictionaryOptions,
  random: Random,
): Filters {
  const mean = meanOf(patches);
  const factor = covariance(patches, mean, regularization);
  cholesky(factor);
  const weights = directions(whitened(patches, mean, factor), filters, rounds, random).map((direction) => {
    const filter = direction.slice();
    solveLowerTransposed(factor, filter);
    return filter;
  });
  return { weights, biases: weights.map((filter) => -dot(filter, mean)) };
}

const rowOf = ({ values, length }: Patches, i: number): Float64Array => values.subarray(i * length, (i + 1) * length);

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k]! * b[k]!;
  return sum;
}

function meanOf(patches: Patches): Float64Array {
  const mean = new Float64Array(patches.length);
  for (let i = 0; i < patches.count; i++) {
    const row = rowOf(patches, i);
    for (let k = 0; k < mean.length; k++) mean[k]! += row[k]! / patches.count;
  }
  return mean;
}

function covariance(patches: Patches, mean: Float64Array, regularization: number): Square {
  const size = patches.length;
  const values = new Float64Array(size * size);
  const centred = new Float64Array(size);
  for (let i = 0; i < patches.count; i++) {
    const row = rowOf(patches, i);
    for (let k = 0; k < size; k++) centred[k] = row[k]! - mean[k]!;
    for (let a = 0; a < size; a++) {
      const scaled = centred[a]! / patches.count;
      for (let b = 0; b <= a; b++) values[a * size + b]! += scaled * centred[b]!;
    }
  }
  let variance = 0;
  for (let a = 0; a < size; a++) variance += values[a * size + a]! / size;
  for (let a = 0; a < size; a++) values[a * size + a]! += regularization * variance;
  return { size, values };
}

/** The patches whitened and of unit length. */
function whitened(patches: Patches, mean: Float64Array, factor: Square): Patches {
  const values = patches.values.slice();
  const result: Patches = { ...patches, values };
  for (let i = 0; i < patches.count; i++) {
    const row = rowOf(result, i);
    for (let k = 0; k < row.length; k++) row[k]! -= mean[k]!;
    solveLower(factor, row);
    normalize(row);
  }
  return result;
}

/** False for a vector without direction, which is left alone. */
function normalize(vector: Float64Array): boolean {
  const length = Math.sqrt(dot(vector, vector));
  if (length < 1e-9) return false;
  for (let k = 0; k < vector.length; k++) vector[k]! /= length;
  return true;
}

/** Spherical k-means: a patch belongs to the direction it is most parallel to, of either sign. An empty cluster starts anew. */
function directions(patches: Patches, count: number, rounds: number, random: Random): Float64Array[] {
  let found = Array.from({ length: count }, () => rowOf(patches, random.below(patches.count)).slice());
  for (let round = 0; round < rounds; round++) {
    const sums = found.map((direction) => new Float64Array(direction.length));
    for (let i = 0; i < patches.count; i++) {
      const row = rowOf(patches, i);
      let best = 0;
      let response = 0;
      for (const [k, direction] of found.entries()) {
        const value = dot(direction, row);
        if (Math.abs(value) <= Math.abs(response)) continue;
        best = k;
        response = value;
      }
      const sum = sums[best]!;
      for (let k = 0; k < row.length; k++) sum[k]! += response < 0 ? -row[k]! : row[k]!;
    }
    found = sums.map((sum) => (normalize(sum) ? sum : rowOf(patches, random.below(patches.count)).slice()));
  }
  return found;
}
