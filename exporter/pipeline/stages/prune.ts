import { PrunePlan } from '../../plan/prune-finetune.ts';
import { groupsNamed } from '../../prune-finetune/groups-named.ts';
import { pruneBy } from '../../prune-finetune/prune-stage.ts';
import type { Stage } from '../stage.ts';
import { trainingContext } from './training-context.ts';

/** Takes channels away. */
export const prune: Stage<PrunePlan> = {
  name: 'prune',
  plan: PrunePlan,
  makes: 'float',
  resizes: true,
  async run(state, plan, context) {
    const frozen = groupsNamed(state.model, plan.frozen ?? []);
    const asked = trainingContext(context, plan.pictures);
    const { model, groups, sensitivity, removed } = await pruneBy(state.model, { ...plan, frozen }, asked);
    const pruning = {
      groups: [...groups],
      sensitivity: sensitivity.map((each) => ({ ...each, points: [...each.points] })),
      removed: [...removed],
    };
    return { ...state, model, pruning };
  },
};
