import { z } from 'zod';
import { TEACHER_FIELDS, type TeacherOptions, teacherPlan } from './teacher.ts';

/** Training of the quantized model, its rounding simulated, on the training pictures and the original's answers. */
export const QatPlan = z.strictObject({
  epochs: z.int().min(1),
  /** Highest learning rate of the cosine, as a share of what is trained: scales, codebooks, biases. */
  rate: z.number().positive(),
  /** Pictures a step. */
  batch: z.int().min(1),
  /** Mirror pictures: not for signs and letters. */
  flip: z.boolean(),
  ...TEACHER_FIELDS,
});
export type QatPlan = z.infer<typeof QatPlan>;

export interface QatOptions extends TeacherOptions {
  /** Epochs of training with quantization simulated. @default 0 */
  readonly qatEpochs?: number | undefined;
  /** Mirror pictures while training. @default true */
  readonly flip?: boolean | undefined;
}

/** The part of the plan that options of the command make. */
export function qatPlan(options: QatOptions): { readonly qat?: QatPlan } {
  const { qatEpochs: epochs = 0, flip = true } = options;
  return epochs > 0 ? { qat: { epochs, rate: 0.0003, batch: 128, flip, ...teacherPlan(options) } } : {};
}
