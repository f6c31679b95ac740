import type { RunOptions } from '../../core/progress.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import type { DistillationOptions } from '../autodiff/losses/distillation.ts';
import type { Parameter } from '../autodiff/parameters.ts';
import type { EpochReport } from './checkpoint.ts';
import type { Augmentation } from './data/augment.ts';
import type { ImageSet } from './data/images.ts';
import type { Optimizer } from './optimizers/optimizer.ts';
import type { Schedule } from './optimizers/schedule.ts';
import type { Weights } from './weights.ts';

/** The original model, whose answers are to be kept. */
export interface Teacher extends DistillationOptions {
  readonly model: Model;
}

export interface TrainOptions extends RunOptions {
  readonly images: ImageSet;
  /** Chooses the best epoch: never images of the test set. */
  readonly validation: ImageSet;
  readonly preprocessing: Preprocessing;
  readonly epochs: number;
  /** Images a step. @default 128 */
  readonly batch?: number;
  /** Highest learning rate. */
  readonly rate: number;
  readonly optimizer: (parameters: readonly Parameter[]) => Optimizer;
  readonly schedule: Schedule;
  readonly augmentation?: Augmentation;
  /** Normalise by the batch, or by the statistics the model has. @default 'training' */
  readonly batchNorm?: 'training' | 'frozen';
  /** Which parameters change. @default all */
  readonly trains?: (parameter: Parameter) => boolean;
  /** In place of the weights of the model's operators: initializers of it that are trained. */
  readonly parameters?: readonly Parameter[];
  /** Values that gradients take for constants. @default none */
  readonly stopGradients?: ReadonlySet<string>;
  /** Adds distillation. */
  readonly teacher?: Teacher | undefined;
  /** @default 0 */
  readonly seed?: number;
  /** @default 1 */
  readonly threads?: number;
  /** Ends when so many epochs brought no better validation accuracy. @default never */
  readonly patience?: number | undefined;
  /** Puts the weights back where they may be after every step: masks, codebooks. */
  readonly constrain?: (weights: Weights) => void;
  /** A file that holds where the training stands; one that is there is continued. */
  readonly checkpoint?: string | undefined;
  readonly onEpoch?: (report: EpochReport) => void;
}

export interface TrainResult {
  /** The model with the weights of the best epoch. */
  readonly model: Model;
  /** Of that epoch, on the validation images. */
  readonly accuracy: number;
  readonly epochs: readonly EpochReport[];
  /** Of training and validation, those before an interruption included. */
  readonly seconds: number;
}
