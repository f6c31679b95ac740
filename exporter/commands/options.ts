import type { RunContextOptions } from '../../core/run/context.ts';
import type { Model } from '../../onnx/graph.ts';
import type { RunLimits } from '../pipeline/limits.ts';
import type { SourceOptions } from '../pipeline/source.ts';
import type { PlanOptions } from '../plan/plan-of.ts';

/** What every command of the flow may be told of the run, the model and the images. */
export interface FlowOptions extends RunContextOptions, SourceOptions {}

export interface CompressOptions extends FlowOptions, PlanOptions, RunLimits {
  /** Folder of the package. */
  readonly out: string;
  /** A better model, whose predictions are learned in place of the original's; it is given images as the original is. */
  readonly teacher?: Model | undefined;
  /** What `wayside calibrate` wrote of the same model and images: spares observing them again. @default they are observed */
  readonly calibrationTable?: string | undefined;
  /** Name of the package. @default that of the file */
  readonly name?: string | undefined;
  /** @default '1' */
  readonly version?: string | undefined;
  /** Not made for a street: a box that runs it says so. @default it is */
  readonly purpose?: 'demonstration' | undefined;
  /** Replace an existing package. @default false */
  readonly force?: boolean | undefined;
  /** Least probability that the box reports. @default 0.5 */
  readonly threshold?: number | undefined;
  /** Bytes that the model takes on its way to a box: for the report. @default it says nothing of them */
  readonly overTheAir?: ((model: Uint8Array) => Promise<number | undefined>) | undefined;
}
