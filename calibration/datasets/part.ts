import { WaysideError } from '../../core/errors.ts';
import { digestOf } from '../../core/hash.ts';
import type { Dataset } from '../dataset.ts';
import { positionsOf } from './positions.ts';
import { type PositionRange, positionsInRanges, printRanges } from './ranges.ts';

/**
 * Some images of a set as a set of their own. Its digest is of the whole set and the positions.
 *
 * @param label what the part is called behind the name of the set
 */
function partOf(dataset: Dataset, positions: readonly number[], label: string): Dataset {
  return {
    name: `${dataset.name} (${label})`,
    split: dataset.split,
    size: positions.length,
    classes: dataset.classes,
    digest: async () => digestOf(JSON.stringify([await dataset.digest(), positions])),
    samples: (indices) =>
      dataset.samples([...positionsOf(positions.length, indices)].map((position) => positions[position] ?? -1)),
  };
}

/** The images in these ranges as a set. @throws {WaysideError} DATASET_INVALID for a range that reaches past the end */
export const rangeOf = (dataset: Dataset, ranges: readonly PositionRange[]): Dataset =>
  partOf(dataset, positionsInRanges(ranges, dataset.size), printRanges(ranges));

/**
 * Divides a training split in two parts that share no image: one to calibrate and train on, one that nothing but decisions reads.
 *
 * @throws {WaysideError} DATASET_INVALID when a range reaches past the end, or nothing is left to train on
 */
export function setAside(
  train: Dataset,
  ranges: readonly PositionRange[],
): { readonly train: Dataset; readonly validation: Dataset } {
  const aside = positionsInRanges(ranges, train.size);
  const taken = new Set(aside);
  const rest = Array.from({ length: train.size }, (_, position) => position).filter((position) => !taken.has(position));
  if (rest.length === 0) {
    throw new WaysideError('DATASET_INVALID', {
      message: `${printRanges(ranges)} is all of ${train.name}: no image is left to calibrate and train on`,
      hint: 'set a smaller range aside for validation',
    });
  }
  return { train: partOf(train, rest, `without ${printRanges(ranges)}`), validation: rangeOf(train, ranges) };
}
