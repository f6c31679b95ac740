import { availableParallelism } from 'node:os';
import type { Dataset } from '../../calibration/dataset.ts';
import type { PositionRange } from '../../calibration/datasets/ranges.ts';
import type { Interval } from '../../core/intervals.ts';
import type { RunOptions } from '../../core/progress.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { CompressionPlan } from '../plan/plan.ts';
import type { SlimOptions } from '../plan/prune-finetune.ts';
import type { QatOptions } from '../plan/qat.ts';
import type { StageOutcome } from '../prune-finetune/outcome.ts';
import type { FusionReport } from '../quantize/fusion.ts';
import type { Width } from '../quantize/precision.ts';
import type { NoisyLayer } from '../verify/layer-noise.ts';

export interface CompressOptions extends RunOptions, SlimOptions, QatOptions {
  /** Float ONNX file. */
  readonly model: string;
  /** `cifar10:DIR`, `images:DIR`, or the two parts of any set. */
  readonly data: string | { readonly train: Dataset; readonly test: Dataset };
  /**
   * Images of the training split that are neither calibrated nor trained on: epochs are chosen, stages measured and a budget held on
   * them. @default stages are measured on the test images, everything else is decided on images drawn from the training split
   */
  readonly validation?: readonly PositionRange[] | undefined;
  /** Folder of the package. */
  readonly out: string;
  /** Training pictures to calibrate on. @default 512 */
  readonly calibration?: number | undefined;
  /** Distinct weights a layer, 2 to 256. @default weights are not clustered */
  readonly clusters?: number | undefined;
  /** @default 0 */
  readonly seed?: number | undefined;
  /** @default 'auto', with nearest rounding 'min-max' */
  readonly range?: 'auto' | 'min-max' | 'percentile' | 'mse' | 'entropy' | undefined;
  /** `nearest` is quicker and leaner, `output` more accurate, much so with clusters. @default 'output' */
  readonly rounding?: 'output' | 'nearest' | undefined;
  /** Processor family, see `targets.ts`. @default 'any' */
  readonly target?: string | undefined;
  /** Points of top-1 accuracy that may be lost: layers are kept wider until it holds. @default no limit */
  readonly budget?: number | undefined;
  /** How far one layer alone may move the answers before it is left in float (`distance`). @default no limit */
  readonly tolerance?: number | undefined;
  /** Scale channels between layers to equal reach first. @default 'auto' */
  readonly equalize?: boolean | 'auto' | undefined;
  /** A plan to follow instead of pruning, fine-tuning, clusters, seed, range, target and calibration. */
  readonly plan?: CompressionPlan | undefined;
  /** What `wayside calibrate` wrote of the same model and pictures: spares observing them again. @default they are observed */
  readonly calibrationTable?: string | undefined;
  /** Test pictures to measure on, spread evenly. @default all */
  readonly limit?: number | undefined;
  /** Name of the package. @default that of the file */
  readonly name?: string | undefined;
  /** @default '1' */
  readonly version?: string | undefined;
  /** Accept layers that stay in float. @default false */
  readonly allowFloat?: boolean | undefined;
  /** Accept layers of which the int8 model leaves less than 6 dB of signal to noise. @default false */
  readonly allowNoisyLayers?: boolean | undefined;
  /** Replace an existing package. @default false */
  readonly force?: boolean | undefined;
  /** What a raw file does not say; `preprocessing` says all of it and wins. */
  readonly preprocessing?: Preprocessing | undefined;
  readonly normalize?: string | undefined;
  readonly size?: readonly [number, number] | undefined;
  /** Which output holds the scores; the others are dropped. @default the first, and all stay */
  readonly output?: string | undefined;
  readonly labels?: string | undefined;
  /** Least probability that the box reports. @default 0.5 */
  readonly threshold?: number | undefined;
  /** For calibration; measuring is always on one. @default up to 4 */
  readonly threads?: number | undefined;
  /** Told what contradicts the model's own metadata. */
  readonly note?: ((text: string) => void) | undefined;
}

export interface ModelFigures {
  /** 0 to 1. */
  readonly top1: number;
  readonly samples: number;
  /** On disk, of everything needed to load the model. */
  readonly bytes: number;
  /** Median of one picture on one thread. */
  readonly latencyMs: number;
}

export interface CompressResult {
  /** Folder of the package. */
  readonly package: string;
  readonly baseline: ModelFigures;
  readonly candidate: ModelFigures;
  /** Top-1 of the compressed model less that of the float model, on the same images, points: as seen, and where it lies with 95%. */
  readonly change: AccuracyChange;
  /** Distinct weights of each convolution and matrix product, added up: float values before, int8 codes after. */
  readonly uniqueWeights: { readonly before: number; readonly after: number };
  readonly fused: FusionReport;
  /** Where images were set aside to decide on: top-1 on those, 0 to 1. */
  readonly validation?: ValidationFigures | undefined;
  /** The float model, what each stage made of it, and the compressed model last; on the validation images where there are any. */
  readonly stages: readonly StageOutcome[];
  /** Layers that are mostly noise beside the float model, where that was allowed. */
  readonly noisy: readonly NoisyLayer[];
  /** What makes one doubt the figures: a float model near chance or fed wrongly, a compressed one far from it. */
  readonly warnings: readonly string[];
  /** Where a budget was given: points allowed, points lost on held-out pictures, layers kept wider for it. */
  readonly budget?: BudgetResult | undefined;
}

export interface AccuracyChange extends Interval {
  readonly points: number;
}

export interface ValidationFigures {
  readonly samples: number;
  readonly baseline: number;
  readonly candidate: number;
}

export interface BudgetResult {
  readonly points: number;
  /** On held-out pictures, before anything was widened and after each step. */
  readonly heldOut: readonly number[];
  readonly wider: readonly { readonly name: string; readonly width: Width }[];
}

export const defaultThreads = (): number => Math.min(4, availableParallelism());
