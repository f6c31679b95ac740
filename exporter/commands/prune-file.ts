import { modelDigest } from '../../calibration/table.ts';
import { analyzeChannels } from '../../compression/pruning/channels/groups.ts';
import { WaysideError } from '../../core/errors.ts';
import { runContext } from '../../core/run/context.ts';
import { openAndMeasure } from '../pipeline/open-float.ts';
import { runStages } from '../pipeline/run-stages.ts';
import { floatOutcome } from '../pipeline/sizes.ts';
import { floatStages } from '../pipeline/stages/index.ts';
import { planOf } from '../plan/plan-of.ts';
import type { PruneOptions } from '../plan/prune-finetune.ts';
import type { PruneRecord, StageOutcome } from '../prune-finetune/outcome.ts';
import { withRemoved } from '../reading/model-notes.ts';
import type { FlowOptions } from './options.ts';
import { type FileOptions, requireFreeFile, writeStage } from './stage-file.ts';

interface PruneFileOptions extends FlowOptions, FileOptions, Omit<PruneOptions, 'finetuneEpochs' | 'flip' | 'teacher'> {
  readonly seed?: number | undefined;
}

export interface PruneFileResult {
  readonly model: string;
  readonly stages: readonly StageOutcome[];
  readonly groups: PruneRecord['groups'];
}

/**
 * Prunes and, unless told otherwise, reconstructs a float model. Finished stages survive an interruption in `OUT.work`.
 *
 * @throws {WaysideError} OUTPUT_EXISTS, NOTHING_TO_DO, PRUNING_IMPOSSIBLE, MODEL_UNSUPPORTED, FILE_WRITE_FAILED; USAGE for an unknown group; as
 *   `openAndMeasure`
 */
export async function pruneFile(options: PruneFileOptions): Promise<PruneFileResult> {
  const { out } = options;
  await requireFreeFile(options);
  const plan = planOf(options);
  const context = runContext(options);
  const opened = await openAndMeasure(options, plan, context);
  const { folded } = opened;
  const { model, pruning, outcomes, clear } = await runStages(
    floatStages(plan),
    { model: folded, outcomes: [await floatOutcome(opened)] },
    { ...context, opened, seed: plan.seed, limits: {}, out },
  );
  if (pruning?.removed.length === 0) {
    await clear();
    throw new WaysideError('NOTHING_TO_DO', {
      message:
        pruning.groups.length === 0
          ? 'no channels of the model can be pruned: every layer feeds something whose channels must stay'
          : 'no channel was removed: the goal asks for less than the smallest step of any group',
      ...(pruning.groups.length > 0 && { hint: 'ask for more, or allow smaller steps with --multiple' }),
    });
  }
  const removed = positionsOf(folded, new Set(pruning?.removed));
  const metadata = withRemoved(model.metadata, { of: modelDigest(folded), removed });
  await writeStage({ ...model, metadata }, opened, out);
  await clear();
  return { model: out, stages: outcomes, groups: pruning?.groups ?? [] };
}

/** What was removed, as positions in each group. */
function positionsOf(original: Parameters<typeof analyzeChannels>[0], removed: ReadonlySet<number>) {
  const { groups } = analyzeChannels(original);
  return Object.fromEntries(
    groups.flatMap(({ name, channels }) => {
      const gone = channels.flatMap(({ id }, position) => (removed.has(id) ? [position] : []));
      return gone.length === 0 ? [] : [[name, gone] as const];
    }),
  );
}
