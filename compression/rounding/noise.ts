import type { Turn } from '../../core/turns.ts';
import type { Layer } from '../layers.ts';
import type { InputMoments } from './moments.ts';
import { dampedBlock } from './problem.ts';

/**
 * Mean square by which a layer's output moves, its bias corrected, when its weights are moved: the sum over its rows of D' C D, D the
 * change of the row and C the covariance of what it is multiplied with, damped as rounding damps it.
 *
 * @param change of every weight, `[rows, columns]`
 */
export async function outputNoise(
  { rows, columns, groups }: Pick<Layer, 'rows' | 'columns' | 'groups'>,
  change: Float32Array,
  { covariance, blockColumns }: Pick<InputMoments, 'covariance' | 'blockColumns'>,
  turn: Turn,
): Promise<number> {
  let noise = 0;
  for (const [group, blocks] of covariance.entries()) {
    for (let b = 0; b < blocks.length; b++) {
      const { from, size, matrix } = dampedBlock({ covariance: blocks, blockColumns }, b);
      for (let row = (group * rows) / groups; row < ((group + 1) * rows) / groups; row++) {
        const part = change.subarray(row * columns + from, row * columns + from + size);
        for (let i = 0; i < size; i++) {
          let sum = 0;
          for (let j = 0; j < size; j++) sum += matrix[i * size + j]! * part[j]!;
          noise += part[i]! * sum;
        }
        await turn();
      }
    }
  }
  return noise;
}
