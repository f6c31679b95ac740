import type { Dataset } from '../calibration/dataset.ts';
import { WaysideError } from '../core/errors.ts';
import { sampleIndices, seededRandom } from '../core/random.ts';
import type { CompressionPlan } from './plan.ts';

/**
 * The training pictures a plan calibrates on: a uniform draw by its seed, in the order of the set, so that neighbours are read
 * together.
 *
 * @throws {WaysideError} DATASET_INVALID for an empty set
 */
export function calibrationIndices(
  train: Dataset,
  { seed, calibration }: Pick<CompressionPlan, 'seed' | 'calibration'>,
): number[] {
  if (train.size < 1)
    throw new WaysideError('DATASET_INVALID', { message: `${train.name} has no pictures to calibrate on` });
  return sampleIndices(train.size, calibration.samples, seededRandom(seed)).sort((a, b) => a - b);
}
