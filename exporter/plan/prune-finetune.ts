import { z } from 'zod';
import type { CriterionName } from '../../compression/pruning/criteria/registry.ts';
import { numberOf, numberWithDefault } from './field-schema.ts';
import { FIELDS, GOALS } from './fields.ts';
import { TEACHER_FIELDS, type TeacherOptions, teacherPlan } from './teacher.ts';

/** Which channels go, and how what they did is restored. */
export const PrunePlan = z.strictObject({
  /** What the goal is a share of; `latency` is measured on this machine, and may therefore come out differently on another. */
  unit: z.enum(['flops', 'params', 'bytes', 'latency']),
  /** Share to remove, 0 to 1. */
  goal: numberOf(GOALS.flops),
  /** Goals that the same removal reaches too. */
  also: z.array(z.strictObject({ unit: z.enum(['flops', 'params', 'bytes']), goal: numberOf(GOALS.flops) })).optional(),
  /**
   * What a channel is worth: `damage` is the error of the layers that read it once they have made up for it, weighed by how
   * far each group moves the answers; `taylor` the change of the loss on labelled images, to first order; the others look at
   * weights alone.
   */
  criterion: z.enum(FIELDS.prune.criterion.choices).default(FIELDS.prune.criterion.fallback),
  /** Measure what pruning each group alone does, where the criterion does not need it. */
  sensitivity: z.boolean().optional(),
  /** Least share of its channels that every group keeps. */
  floor: numberWithDefault(FIELDS.prune.floor),
  /** Kept channels come in multiples of this. */
  multiple: numberWithDefault(FIELDS.prune.multiple),
  /** Groups that stay whole, by name. */
  frozen: z.array(z.string()).optional(),
  /** Channels to keep of a group, by name, whatever the goal says. */
  keep: z.record(z.string(), z.int().min(1)).optional(),
  /** Solve the layers anew afterwards. */
  reconstruct: z.boolean().default(true),
  /** Training images that channels are judged and layers solved on; more than calibration needs. */
  pictures: numberWithDefault(FIELDS.prune.pictures),
});
export type PrunePlan = z.infer<typeof PrunePlan>;

/** Training of the pruned model on the training images and the original's answers. */
export const FinetunePlan = z.strictObject({
  epochs: numberOf(FIELDS.finetune.epochs),
  /** Highest learning rate of the cosine, as a share of the root mean square of each parameter. */
  rate: z.number().positive().default(FIELDS.finetune.rate.fallback),
  /** Images a step. */
  batch: numberWithDefault(FIELDS.finetune.batch),
  /** Mirror images: not for signs and letters. */
  flip: z.boolean().default(true),
  ...TEACHER_FIELDS,
});
export type FinetunePlan = z.infer<typeof FinetunePlan>;

/** What a command may be told of pruning and fine-tuning; the defaults are the plan's. */
export interface PruneOptions extends TeacherOptions {
  /** Shares to remove, 0 to 0.95: all of them are reached, by one removal; latency excludes the others. */
  readonly pruneFlops?: number | undefined;
  readonly pruneParams?: number | undefined;
  readonly pruneBytes?: number | undefined;
  readonly pruneLatency?: number | undefined;
  /** What decides which channels go. */
  readonly pruneCriterion?: CriterionName | undefined;
  /** Least share of its channels that every group keeps. */
  readonly pruneFloor?: number | undefined;
  /** Kept channels come in multiples of this. */
  readonly pruneMultiple?: number | undefined;
  /** Groups that stay whole: by name, or by that of a weight they hold. @default none */
  readonly freeze?: readonly string[] | undefined;
  /** Training images that channels are judged and layers solved on. */
  readonly pruneImages?: number | undefined;
  /** Solve the layers anew after pruning. @default true */
  readonly reconstruct?: boolean | undefined;
  /** Epochs of training after pruning. @default 0 */
  readonly finetuneEpochs?: number | undefined;
  /** Mirror images while training. @default true */
  readonly flip?: boolean | undefined;
}

/** What options say of pruning; undefined where they name no goal. */
export function prunePlan(options: PruneOptions): z.input<typeof PrunePlan> | undefined {
  const { pruneLatency = 0 } = options;
  const shares = [
    { unit: 'flops' as const, goal: options.pruneFlops ?? 0 },
    { unit: 'params' as const, goal: options.pruneParams ?? 0 },
    { unit: 'bytes' as const, goal: options.pruneBytes ?? 0 },
  ];
  const [share, ...also] = shares.filter(({ goal }) => goal > 0);
  const first = pruneLatency > 0 ? { unit: 'latency' as const, goal: pruneLatency } : share;
  if (first === undefined) return undefined;
  return {
    ...first,
    also: also.length === 0 ? undefined : also,
    criterion: options.pruneCriterion,
    floor: options.pruneFloor,
    multiple: options.pruneMultiple,
    frozen: options.freeze && [...options.freeze],
    reconstruct: options.reconstruct,
    pictures: options.pruneImages,
  };
}

/** What options say of fine-tuning; undefined where they name no epochs. */
export const finetunePlan = (options: PruneOptions): z.input<typeof FinetunePlan> | undefined =>
  options.finetuneEpochs ? { epochs: options.finetuneEpochs, flip: options.flip, ...teacherPlan(options) } : undefined;
