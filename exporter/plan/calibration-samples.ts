import type { Dataset } from '../../calibration/dataset.ts';
import { WaysideError } from '../../core/errors.ts';
import { sampleIndices, seededRandom } from '../../core/random.ts';
import type { CompressionPlan } from './plan.ts';

/**
 * The training images a plan calibrates on: a uniform draw by its seed, in the order of the set, so that neighbours are read
 * together.
 *
 * @throws {WaysideError} DATASET_INVALID for an empty set
 */
export function calibrationIndices(
  train: Dataset,
  { seed, calibration }: Pick<CompressionPlan, 'seed' | 'calibration'>,
): number[] {
  if (train.size < 1)
    throw new WaysideError('DATASET_INVALID', { message: `${train.name} has no images to calibrate on` });
  return sampleIndices(train.size, calibration.samples, seededRandom(seed)).sort((a, b) => a - b);
}

/** Most images held out: an answer that changes in 1 of 100 is then counted to 0.2 points. */
const HELD_OUT = 2048;

/** Training images that nothing is calibrated or solved on, drawn with the same seed. All of them where that leaves none. */
export function heldOutIndices(
  train: Dataset,
  { seed, calibration, prune }: Pick<CompressionPlan, 'seed' | 'calibration' | 'prune'>,
): number[] {
  const used = Math.max(calibration.samples, prune?.pictures ?? 0);
  const drawn = sampleIndices(train.size, used + HELD_OUT, seededRandom(seed));
  const held = drawn.slice(used);
  return (held.length > 0 ? held : drawn).sort((a, b) => a - b);
}
