import type { StageOutcome } from '../prune-finetune/outcome.ts';
import type { FusionReport } from '../quantize/fusion.ts';
import type { Precision } from '../quantize/precision.ts';
import type { AccuracyChange } from '../verify/class-changes.ts';
import type { NoisyLayer } from '../verify/layer-noise.ts';

export interface ModelFigures {
  /** 0 to 1. */
  readonly top1: number;
  readonly samples: number;
  /** On disk, of everything needed to load the model. */
  readonly bytes: number;
  /** Median of one image on one thread. */
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
  /** Bits that an entropy coder takes for the code of a weight that knows how often each occurs in its layer: the mean over all weights. */
  readonly bitsPerWeight: number;
  readonly fused: FusionReport;
  /** Where images were set aside to decide on: top-1 on those, 0 to 1. */
  readonly validation?: ValidationFigures | undefined;
  /** The float model, what each stage made of it, and the compressed model last; on the validation images where there are any. */
  readonly stages: readonly StageOutcome[];
  /** Layers that are mostly noise beside the float model, where that was allowed. */
  readonly noisy: readonly NoisyLayer[];
  /** What makes one doubt the figures: a float model near chance or fed wrongly, a compressed one far from it. */
  readonly warnings: readonly string[];
  /** What folding did to the model, each after the name of its pass. */
  readonly notes: readonly string[];
  /** Where a budget was given: points allowed, points lost on held-out images, layers kept wider for it. */
  readonly budget?: BudgetResult | undefined;
  /** Bytes that `model.onnx` takes on its way to a box, where somebody says how it travels. */
  readonly overTheAir?: number | undefined;
}

interface ValidationFigures {
  readonly samples: number;
  readonly baseline: number;
  readonly candidate: number;
}

export interface BudgetResult {
  readonly points: number;
  /** On held-out images, before anything was widened and after each step. */
  readonly heldOut: readonly number[];
  readonly wider: readonly { readonly name: string; readonly width: Precision }[];
}
