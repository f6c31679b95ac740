import type { PlanOutline } from '../../plan/plan.ts';
import { type PlannedStage, planned } from '../stage.ts';
import { finetune } from './finetune.ts';
import { prune } from './prune.ts';
import { qat } from './qat.ts';
import { quantize } from './quantize.ts';
import { reconstruct } from './reconstruct.ts';

/** What a plan does to the float model. */
export const floatStages = ({ prune: pruning, finetune: tuning }: PlanOutline): readonly PlannedStage[] => [
  ...(pruning === undefined ? [] : [planned(prune, pruning)]),
  ...(pruning?.reconstruct === true ? [planned(reconstruct, { pictures: pruning.pictures })] : []),
  ...(tuning === undefined ? [] : [planned(finetune, { ...tuning, statistics: pruning?.pictures })]),
];

/** All that a plan does to a model. */
export const stagesOf = (plan: PlanOutline): readonly PlannedStage[] => [
  ...floatStages(plan),
  planned(quantize, plan),
  ...(plan.qat === undefined ? [] : [planned(qat, plan.qat)]),
];
