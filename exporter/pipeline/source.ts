import type { Dataset } from '../../calibration/dataset.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';

/** What every command of the flow is told of the model and the images. */
export interface SourceOptions {
  /** Float ONNX file. */
  readonly model: string;
  /** `cifar10:DIR`, `images:DIR`, or the two parts of any set. */
  readonly data: string | { readonly train: Dataset; readonly test: Dataset };
  /** Test images to measure on, spread evenly. @default all */
  readonly limit?: number | undefined;
  /** Latency is measured for no longer, milliseconds. @default that of `measureLatency` */
  readonly latencyBudgetMs?: number | undefined;
  /** What a raw file does not say; `preprocessing` says all of it and wins. */
  readonly preprocessing?: Preprocessing | undefined;
  readonly normalize?: string | undefined;
  readonly size?: readonly [number, number] | undefined;
  /** Which output holds the scores; the others are dropped. @default the first, and all stay */
  readonly output?: string | undefined;
  readonly labels?: string | undefined;
}
