import { WaysideError } from '../../core/errors.ts';

/** The positions asked for, all by default. @throws {WaysideError} DATASET_INVALID for one outside the set */
export function* positionsOf(size: number, indices?: readonly number[]): Generator<number> {
  if (indices === undefined) {
    for (let position = 0; position < size; position++) yield position;
    return;
  }
  for (const position of indices) {
    if (!Number.isInteger(position) || position < 0 || position >= size) {
      throw new WaysideError('DATASET_INVALID', { message: `image ${position} was asked for in a set of ${size}` });
    }
    yield position;
  }
}

/**
 * `limit` positions spread evenly over a set: sets are often sorted by class, where the first few would be one class.
 * The same positions every time; undefined when the whole set is wanted.
 */
export function spreadPositions(size: number, limit?: number): readonly number[] | undefined {
  if (limit === undefined || limit >= size) return undefined;
  return Array.from({ length: limit }, (_, i) => Math.floor((i * size) / limit));
}
