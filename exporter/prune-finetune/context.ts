import type { Dataset } from '../../calibration/dataset.ts';
import type { RunOptions } from '../../core/progress.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';

/** What every stage of pruning and fine-tuning is given. */
export interface PruneFinetuneContext extends RunOptions {
  readonly train: Dataset;
  /** Choose the epoch of fine-tuning. @default a share of the training images */
  readonly validation?: Dataset | undefined;
  readonly preprocessing: Preprocessing;
  /** Calibration images. */
  readonly indices: readonly number[];
  readonly seed: number;
  readonly threads: number;
}
