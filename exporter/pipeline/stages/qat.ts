import { WaysideError } from '../../../core/errors.ts';
import { QatPlan } from '../../plan/qat.ts';
import { teacherOf } from '../../plan/teacher.ts';
import { trainQuantized } from '../../qat/run.ts';
import type { Stage } from '../stage.ts';
import { verified } from '../verified.ts';

/** Trains the int8 model with its rounding simulated. */
export const qat: Stage<QatPlan> = {
  name: 'qat',
  plan: QatPlan,
  makes: 'int8',
  resizes: false,
  async run(state, plan, context) {
    if (state.quantized === undefined) {
      throw new WaysideError('INTERNAL', { message: 'there is no int8 model to train' });
    }
    const { opened, original = opened.folded } = context;
    const { preprocessing, data } = opened;
    const teacher = teacherOf(plan, context.teacher, original);
    const trained = await trainQuantized(state.quantized, { plan, teacher, preprocessing, data }, context);
    const quantized = { ...state.quantized, ...trained };
    return { ...state, quantized, verified: await verified(quantized, context) };
  },
};
