import { PlanOutline } from '../../plan/plan.ts';
import { budgetOutOfReach, overBudget } from '../../search/budget.ts';
import type { RunLimits } from '../limits.ts';
import { quantizeByPlan } from '../quantize-by-plan.ts';
import type { FlowState, Stage } from '../stage.ts';
import { verified } from '../verified.ts';

/** Decides what the plan leaves open, and writes the int8 model. It is verified here unless it is going to be trained. */
export const quantize: Stage<PlanOutline> = {
  name: 'quantize',
  plan: PlanOutline,
  makes: 'int8',
  resizes: false,
  async run(state, plan, context) {
    const { opened, limits, table } = context;
    requireReach(limits, state);
    const { data, preprocessing, folded: reference } = opened;
    const options = { ...limits, preprocessing, table, heldOut: data.validation, reference };
    const quantized = await quantizeByPlan(state.model, data.train, plan, options, context);
    const next = { ...state, quantized };
    return plan.qat === undefined ? { ...next, verified: await verified(quantized, context) } : next;
  },
};

/** Said before minutes of work: no width wins back what pruning took. @throws {WaysideError} BUDGET_MISSED */
function requireReach({ budget }: RunLimits, { outcomes }: FlowState): void {
  const [float, last] = [outcomes[0], outcomes.at(-1)];
  if (budget === undefined || float === undefined || last === undefined) return;
  const lost = 100 * (float.top1 - last.top1);
  if (overBudget(lost, budget)) throw budgetOutOfReach(budget, lost);
}
