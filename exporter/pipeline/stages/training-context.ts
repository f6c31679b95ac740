import type { RunContext } from '../../../core/run/context.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import { calibrationIndices } from '../../plan/calibration-samples.ts';
import type { PruneFinetuneContext } from '../../prune-finetune/context.ts';
import type { Data } from '../prepare.ts';

/**
 * What work on the float model is given.
 *
 * @param images of the training part that channels are judged by, layers solved on and normalisations begun with
 */
export function trainingContext(
  {
    opened: { data, preprocessing },
    seed,
    threads,
    signal,
    onProgress,
  }: RunContext & {
    readonly seed: number;
    readonly opened: { readonly data: Data; readonly preprocessing: Preprocessing };
  },
  images: number,
): PruneFinetuneContext {
  const { train, validation } = data;
  const samples = Math.min(images, train.size);
  const indices = calibrationIndices(train, { seed, calibration: { samples } });
  return { train, validation, preprocessing, indices, seed, threads, signal, onProgress };
}
