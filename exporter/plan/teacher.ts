import { z } from 'zod';
import { modelDigest } from '../../calibration/table.ts';
import type { Teacher } from '../../compression/training/options.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Model } from '../../onnx/graph.ts';
import { numberOf } from './field-schema.ts';
import { FIELDS } from './fields.ts';

/** The part of a training's plan that says from whom it learns besides the labels. */
export const TEACHER_FIELDS = {
  /** Digest of the model whose answers are learned too; absent: the original's. */
  teacher: z.string().optional(),
  /** Share of the answers in what is learned, the rest are the labels; absent: 0.7. */
  teacherWeight: numberOf(FIELDS.teacherWeight).optional(),
};
const TeacherPlan = z.strictObject(TEACHER_FIELDS);
type TeacherPlan = z.infer<typeof TeacherPlan>;

export interface TeacherOptions {
  /** A better model, whose answers are learned in place of the original's; it is given images as the original is. */
  readonly teacher?: Model | undefined;
  /** Share of its answers in what is learned, 0 to 1; the rest are the labels. @default 0.7 */
  readonly teacherWeight?: number | undefined;
}

/** The part of the plan that options of the command make. */
export const teacherPlan = ({ teacher, teacherWeight }: TeacherOptions): TeacherPlan => ({
  ...(teacher && { teacher: modelDigest(teacher) }),
  ...(teacherWeight !== undefined && { teacherWeight }),
});

/** @throws {WaysideError} USAGE where there is a teacher and nobody who learns */
export function requireLearner(plans: readonly (TeacherPlan | undefined)[], options: TeacherOptions): void {
  const { teacher, teacherWeight } = options;
  if (plans.some((plan) => plan !== undefined) || (teacher === undefined && teacherWeight === undefined)) return;
  throw new WaysideError('USAGE', {
    message: `a teacher${teacher === undefined ? "'s weight" : ''} is given, and nothing is trained`,
    hint: 'say for how long with --finetune-epochs or --qat-epochs',
  });
}

/**
 * The model that a plan learns from.
 *
 * @param original learned from where the plan names nobody
 * @throws {WaysideError} USAGE when another is given than the plan was made with
 */
export function teacherOf(
  { teacher: wanted, teacherWeight: weight }: TeacherPlan,
  given: Model | undefined,
  original: Model,
): Teacher {
  const share = weight === undefined ? {} : { weight };
  if (wanted === undefined) return { model: original, ...share };
  if (given !== undefined && modelDigest(given) === wanted) return { model: given, ...share };
  throw new WaysideError('USAGE', {
    message:
      given === undefined
        ? 'the plan learns from a teacher, and none is given'
        : 'the plan learns from another teacher',
    hint: 'give the model that the plan was made with as --teacher',
  });
}
