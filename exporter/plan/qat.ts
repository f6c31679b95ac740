import { z } from 'zod';
import { numberOf, numberWithDefault } from './field-schema.ts';
import { FIELDS } from './fields.ts';
import { TEACHER_FIELDS, type TeacherOptions, teacherPlan } from './teacher.ts';

/** Training of the quantized model, its rounding simulated, on the training images and the original's answers. */
export const QatPlan = z.strictObject({
  epochs: numberOf(FIELDS.qat.epochs),
  /** Highest learning rate of the cosine, as a share of what is trained: scales, codebooks, biases. */
  rate: z.number().positive().default(FIELDS.qat.rate.fallback),
  /** Images a step. */
  batch: numberWithDefault(FIELDS.qat.batch),
  /** Mirror images: not for signs and letters. */
  flip: z.boolean().default(true),
  ...TEACHER_FIELDS,
});
export type QatPlan = z.infer<typeof QatPlan>;

export interface QatOptions extends TeacherOptions {
  /** Epochs of training with quantization simulated. @default 0 */
  readonly qatEpochs?: number | undefined;
  /** Mirror images while training. @default true */
  readonly flip?: boolean | undefined;
}

/** What options say of that training; undefined where they name no epochs. */
export const qatPlan = (options: QatOptions): z.input<typeof QatPlan> | undefined =>
  options.qatEpochs ? { epochs: options.qatEpochs, flip: options.flip, ...teacherPlan(options) } : undefined;
