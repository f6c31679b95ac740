import type { Dataset } from '../../calibration/dataset.ts';
import { WaysideError } from '../../core/errors.ts';
import type { RunOptions } from '../../core/progress.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import type { Augmentation } from './data/augment.ts';
import { loadSplit } from './data/split.ts';
import { headParameters } from './head.ts';
import { withOpenBatch } from './open-batch.ts';
import { adamW } from './optimizers/adamw.ts';
import { SCHEDULES } from './optimizers/schedule.ts';
import { sgd } from './optimizers/sgd.ts';
import type { TrainOptions, TrainResult } from './options.ts';
import { train } from './train.ts';

const OPTIMIZERS = { sgd, adamw: adamW } as const;

/** What images go through, by the name the command line takes; sides in pixels follow from the image's. */
const AUGMENTATIONS: Readonly<Record<string, (side: number) => Augmentation>> = {
  crop: (side) => ({ shift: Math.round(side / 8) }),
  flip: () => ({ flip: true }),
  cutout: (side) => ({ cutout: side >> 1 }),
  mixup: () => ({ mixup: 0.2 }),
  smoothing: () => ({ labelSmoothing: 0.1 }),
};

export interface ClassifierOptions
  extends RunOptions,
    Pick<
      TrainOptions,
      'epochs' | 'batch' | 'rate' | 'teacher' | 'seed' | 'threads' | 'patience' | 'checkpoint' | 'onEpoch'
    > {
  /** Makes the model to train once the number of classes is known. */
  readonly model: (classes: number) => Model | Promise<Model>;
  /** The training part of a data set. */
  readonly dataset: Dataset;
  readonly preprocessing: Preprocessing;
  /** What chooses the best epoch: a share of it, or images that are not in it. */
  readonly validation: number | Dataset;
  readonly optimizer: keyof typeof OPTIMIZERS;
  readonly schedule: keyof typeof SCHEDULES;
  /** Names of `AUGMENTATIONS`. */
  readonly augment: readonly string[];
  /** Trains the head alone, with the normalisations' own statistics. */
  readonly freeze?: boolean;
}

export interface ClassifierResult extends TrainResult {
  readonly classes: number;
  readonly trained: number;
  readonly validated: number;
}

/**
 * Trains on a data set: reads it into memory, sets validation images aside, trains, keeps the best epoch.
 *
 * @throws {WaysideError} as `train` and `loadImages`; DATASET_INVALID when nothing is left to validate on
 */
export async function trainClassifier(options: ClassifierOptions): Promise<ClassifierResult> {
  const { dataset, preprocessing, augment, optimizer, schedule, freeze = false, seed = 0 } = options;
  const { signal, onProgress } = options;
  const asked = { preprocessing, seed, signal, onProgress };
  const { loaded, training, validation } = await loadSplit(dataset, options.validation, asked);
  const classes = Math.max(training.classes, validation.classes);
  if (validation.positions.length === 0 || training.positions.length === 0) {
    throw new WaysideError('DATASET_INVALID', {
      message: `${loaded.positions.length} images of ${dataset.name} leave ${training.positions.length} to train on and ${validation.positions.length} to validate on`,
      hint: 'add images, or set another share aside with --validation',
    });
  }
  const model = withOpenBatch(await options.model(classes));
  const head = freeze ? headParameters(model) : undefined;
  const side = Math.min(...preprocessing.size);
  const none: Augmentation = { shift: 0, flip: false };
  const result = await train(model, {
    ...options,
    images: { ...training, classes },
    validation,
    seed,
    optimizer: (parameters) => OPTIMIZERS[optimizer](parameters),
    schedule: SCHEDULES[schedule](),
    augmentation: Object.assign({}, none, ...augment.map((name) => AUGMENTATIONS[name]?.(side))),
    ...(head ? { trains: ({ name }) => head.has(name), batchNorm: 'frozen' as const } : {}),
  });
  return {
    ...result,
    classes,
    trained: training.positions.length,
    validated: validation.positions.length,
  };
}
