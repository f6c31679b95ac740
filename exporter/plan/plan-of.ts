import { type PositionRange, printRanges } from '../../calibration/datasets/ranges.ts';
import { WaysideError } from '../../core/errors.ts';
import { FIELDS, type RangeName, type RoundingName } from './fields.ts';
import { parsedPlan } from './parsed-plan.ts';
import { PlanOutline } from './plan.ts';
import { finetunePlan, type PruneOptions, prunePlan } from './prune-finetune.ts';
import { type QatOptions, qatPlan } from './qat.ts';
import { targetProfile } from './targets.ts';
import { requireLearner } from './teacher.ts';

/** What a command may be told that goes into the plan; what is left out is as the plan's schema has it. */
export interface PlanOptions extends PruneOptions, QatOptions {
  /** A plan to follow instead of all the others but the teacher. */
  readonly plan?: PlanOutline | undefined;
  readonly seed?: number | undefined;
  /** Training images to calibrate on. */
  readonly calibration?: number | undefined;
  /**
   * Images of the training split that are neither calibrated nor trained on: epochs are chosen, stages measured and a budget held on
   * them. @default stages are measured on the test images, everything else is decided on images drawn from the training split
   */
  readonly validation?: readonly PositionRange[] | undefined;
  /** Distinct weights a layer, 2 to 256. @default weights are not clustered */
  readonly clusters?: number | undefined;
  /** Most bits a weight over the air, the mean over all layers. @default bits are free */
  readonly bitsPerWeight?: number | undefined;
  /** @default 'auto', with nearest rounding 'min-max' */
  readonly range?: RangeName | undefined;
  /** `nearest` is quicker and leaner, `output` more accurate, much so with clusters. */
  readonly rounding?: RoundingName | undefined;
  /** Processor family, see `targets.ts`. */
  readonly target?: string | undefined;
  /** Scale channels between layers to equal reach first. @default 'auto', with nearest rounding false */
  readonly equalize?: boolean | 'auto' | undefined;
  /** Points of top-1 accuracy that may be lost: layers are kept wider until it holds. @default no limit */
  readonly budget?: number | undefined;
}

/**
 * The plan of a run: made once, of what a command was told, before anything is read.
 *
 * @throws {WaysideError} USAGE for what no plan may hold, for a teacher of nobody, and for validation images other than the plan's own
 */
export function planOf(options: PlanOptions): PlanOutline {
  const plan = options.plan === undefined ? outlineOf(options) : withOwnValidation(options.plan, options.validation);
  requireLearner([plan.finetune, plan.qat], options);
  return plan;
}

function outlineOf(options: PlanOptions): PlanOutline {
  const { seed, calibration: samples, validation, target, rounding, clusters, bitsPerWeight, budget } = options;
  const quick = rounding === 'nearest';
  const { equalize = quick ? false : 'auto', range = (quick ? FIELDS.rangeOfNearest : FIELDS.range).fallback } =
    options;
  const asked = {
    format: 1,
    seed,
    target: targetProfile(target).name,
    calibration: { samples },
    validation: validation && printRanges(validation),
    range: range === 'min-max' ? 'minmax' : range,
    rounding: quick ? rounding : undefined,
    bitsPerWeight,
    prune: prunePlan(options),
    finetune: finetunePlan(options),
    qat: qatPlan(options),
    equalize,
    // Half a minute on ResNet56 for a gain that was never clear on a network as trained: for those who give a budget.
    refineRanges: budget === undefined ? undefined : true,
    biasCorrection: budget === undefined ? undefined : 'auto',
    clusters,
  };
  return parsedPlan(PlanOutline, asked);
}

/** The images that a plan was decided on are set aside again: what is trained and calibrated on would not be the same otherwise. */
function withOwnValidation(plan: PlanOutline, validation: PlanOptions['validation']): PlanOutline {
  if (validation === undefined || plan.validation === printRanges(validation)) return plan;
  throw new WaysideError('USAGE', {
    message: `--validation ${printRanges(validation)}, but the plan was made ${plan.validation === undefined ? 'without' : `with ${plan.validation}`}`,
    hint: 'leave --validation out: a plan brings its own',
  });
}
