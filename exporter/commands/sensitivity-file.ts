import { analyzeChannels } from '../../compression/pruning/channels/groups.ts';
import { DEFAULT_CRITERION } from '../../compression/pruning/criteria/registry.ts';
import { type HeldBack, heldBack, heldBackText } from '../../compression/pruning/held-back.ts';
import { measuredTypes } from '../../compression/pruning/measured-shapes.ts';
import type { GroupSensitivity } from '../../compression/pruning/sensitivity.ts';
import { WaysideError } from '../../core/errors.ts';
import { runContext } from '../../core/run/context.ts';
import { openFloat } from '../pipeline/open-float.ts';
import { trainingContext } from '../pipeline/stages/training-context.ts';
import { type PlanOptions, planOf } from '../plan/plan-of.ts';
import { evidenceOf, sensitivityBy } from '../prune-finetune/judge.ts';
import type { FlowOptions } from './options.ts';

/** `calibration`: training images to judge channels on. */
interface SensitivityFileOptions extends FlowOptions, Pick<PlanOptions, 'calibration' | 'seed' | 'validation'> {}

interface SensitivityResult {
  readonly groups: readonly GroupSensitivity[];
  /** Nodes that channels cannot pass, with the share of the operations that hangs on theirs. */
  readonly heldBack: readonly HeldBack[];
}

/**
 * How far a model's answers move when a quarter, a half, three quarters of one group's channels go and nothing else. Reads no labels.
 *
 * @throws {WaysideError} NOTHING_TO_DO where no channel can go; as `openFloat` and `measureSensitivity`
 */
export async function sensitivityFile(options: SensitivityFileOptions): Promise<SensitivityResult> {
  const { calibration, seed, validation } = options;
  const plan = planOf({ calibration, seed, validation });
  const run = runContext(options);
  const opened = await openFloat(options, plan, run);
  const { folded, preprocessing } = opened;
  const context = trainingContext({ ...run, opened, seed: plan.seed }, plan.calibration.samples);
  const analysis = analyzeChannels(folded);
  if (analysis.groups.length === 0) {
    const held = heldBack(folded, analysis, 'flops', await measuredTypes(folded, preprocessing));
    throw new WaysideError('NOTHING_TO_DO', {
      message: `no channels of the model can be pruned: there is nothing to measure${held.length === 0 ? '' : `; shares of the operations that are held back: ${heldBackText(held)}`}`,
      hint: 'every convolution and matrix product feeds something whose channels must stay',
    });
  }
  const evidence = evidenceOf(folded, analysis, context);
  await evidence.moments();
  return {
    groups: await sensitivityBy(analysis, await DEFAULT_CRITERION.judge(evidence), evidence),
    heldBack: heldBack(folded, analysis, 'flops', await measuredTypes(folded, preprocessing)),
  };
}
