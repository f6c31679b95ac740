import { z } from 'zod';
import { FinetunePlan } from '../../plan/prune-finetune.ts';
import { teacherOf } from '../../plan/teacher.ts';
import { finetuneBy } from '../../prune-finetune/finetune-stage.ts';
import type { Stage } from '../stage.ts';
import { trainingContext } from './training-context.ts';

/** Images whose mean and variance the normalisations begin with, where pruning asks for no others. */
const STATISTICS = 512;

const Finetuning = z.strictObject({ ...FinetunePlan.shape, statistics: z.int().min(1).default(STATISTICS) });

/** Trains the float model on the training images and on its teacher's predictions. */
export const finetune: Stage<z.infer<typeof Finetuning>> = {
  name: 'finetune',
  plan: Finetuning,
  makes: 'float',
  resizes: true,
  async run(state, plan, context) {
    const { work, opened, original = opened.folded } = context;
    await work.open();
    const teacher = teacherOf(plan, context.teacher, original);
    const asked = trainingContext(context, plan.statistics);
    const model = await finetuneBy(state.model, teacher, plan, asked, work.path('finetune.checkpoint'));
    return { ...state, model };
  },
};
