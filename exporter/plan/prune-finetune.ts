import { z } from 'zod';
import { CRITERIA, type CriterionName } from '../prune-finetune/criteria.ts';
import { TEACHER_FIELDS, type TeacherOptions, teacherPlan } from './teacher.ts';

/** Channels are judged and layers solved on this many pictures: fewer cost points (see `reconstruct`). */
export const PRUNING_PICTURES = 2048;

/** Which channels go, and how what they did is restored. */
export const PrunePlan = z.strictObject({
  /** What the goal is a share of; `latency` is measured on this machine, and may therefore come out differently on another. */
  unit: z.enum(['flops', 'params', 'bytes', 'latency']),
  /** Share to remove, 0 to 1. */
  goal: z.number().min(0).max(0.95),
  /** Goals that the same removal reaches too. */
  also: z
    .array(z.strictObject({ unit: z.enum(['flops', 'params', 'bytes']), goal: z.number().min(0).max(0.95) }))
    .optional(),
  /**
   * What a channel is worth: `damage` is the error of the layers that read it once they have made up for it, weighed by how
   * far each group moves the answers; `taylor` the change of the loss on labelled pictures, to first order; the others look at
   * weights alone.
   */
  criterion: z.enum(CRITERIA),
  /** Measure what pruning each group alone does, where the criterion does not need it. */
  sensitivity: z.boolean().optional(),
  /** Least share of its channels that every group keeps. */
  floor: z.number().min(0).max(1),
  /** Kept channels come in multiples of this. */
  multiple: z.int().min(1),
  /** Groups that stay whole, by name. */
  frozen: z.array(z.string()).optional(),
  /** Channels to keep of a group, by name, whatever the goal says. */
  keep: z.record(z.string(), z.int().min(1)).optional(),
  /** Solve the layers anew afterwards. */
  reconstruct: z.boolean(),
  /** Training pictures that channels are judged and layers solved on; more than calibration needs. */
  pictures: z.int().min(1),
});
export type PrunePlan = z.infer<typeof PrunePlan>;

/** Training of the pruned model on the training pictures and the original's answers. */
export const FinetunePlan = z.strictObject({
  epochs: z.int().min(1),
  /** Highest learning rate of the cosine, as a share of the root mean square of each parameter. */
  rate: z.number().positive(),
  /** Pictures a step. */
  batch: z.int().min(1),
  /** Mirror pictures: not for signs and letters. */
  flip: z.boolean(),
  ...TEACHER_FIELDS,
});
export type FinetunePlan = z.infer<typeof FinetunePlan>;

export interface SlimOptions extends TeacherOptions {
  /** Shares to remove, 0 to 0.95: all of them are reached, by one removal; latency excludes the others. */
  readonly pruneFlops?: number | undefined;
  readonly pruneParams?: number | undefined;
  readonly pruneBytes?: number | undefined;
  readonly pruneLatency?: number | undefined;
  /** What decides which channels go. @default 'damage' */
  readonly pruneCriterion?: CriterionName | undefined;
  /** Least share of its channels that every group keeps. @default 0.1 */
  readonly pruneFloor?: number | undefined;
  /** Kept channels come in multiples of this. @default 4, what one instruction of an int8 dot product takes */
  readonly pruneMultiple?: number | undefined;
  /** Groups that stay whole, by name. @default none */
  readonly pruneFrozen?: readonly string[] | undefined;
  /** Training pictures that channels are judged and layers solved on. @default 2048 */
  readonly prunePictures?: number | undefined;
  /** Solve the layers anew after pruning. @default true */
  readonly reconstruct?: boolean | undefined;
  /** Epochs of training after pruning. @default 0 */
  readonly finetuneEpochs?: number | undefined;
  /** Mirror pictures while training. @default true */
  readonly flip?: boolean | undefined;
}

/** The part of the plan that options of the command make. */
export function slimPlan(options: SlimOptions): { readonly prune?: PrunePlan; readonly finetune?: FinetunePlan } {
  const goals = [
    ['flops', options.pruneFlops],
    ['params', options.pruneParams],
    ['bytes', options.pruneBytes],
  ] as const;
  const { pruneLatency = 0 } = options;
  const [share, ...also] = goals.flatMap(([unit, goal]) => (goal === undefined || goal === 0 ? [] : [{ unit, goal }]));
  const first = pruneLatency > 0 ? { unit: 'latency' as const, goal: pruneLatency } : share;
  const epochs = options.finetuneEpochs ?? 0;
  return {
    ...(first === undefined
      ? {}
      : {
          prune: {
            ...first,
            ...(also.length > 0 && { also }),
            criterion: options.pruneCriterion ?? 'damage',
            floor: options.pruneFloor ?? 0.1,
            multiple: options.pruneMultiple ?? 4,
            ...(options.pruneFrozen && { frozen: [...options.pruneFrozen] }),
            reconstruct: options.reconstruct ?? true,
            pictures: options.prunePictures ?? PRUNING_PICTURES,
          },
        }),
    ...(epochs > 0 && {
      finetune: {
        epochs,
        rate: 0.01,
        batch: 128,
        flip: options.flip ?? true,
        ...teacherPlan(options),
      },
    }),
  };
}
