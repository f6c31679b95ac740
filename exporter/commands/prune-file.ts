import { modelDigest } from '../../calibration/table.ts';
import { analyzeChannels } from '../../compression/pruning/channels/groups.ts';
import { WaysideError } from '../../core/errors.ts';
import { StageLog } from '../../core/stage-log.ts';
import { measureModel } from '../pipeline/measure.ts';
import { openAndMeasure, type SourceOptions } from '../pipeline/open-float.ts';
import type { SlimOptions } from '../plan/prune-finetune.ts';
import { groupsNamed } from '../prune-finetune/groups-named.ts';
import type { PruneRecord, StageOutcome } from '../prune-finetune/outcome.ts';
import { slimByOptions } from '../prune-finetune/run.ts';
import { withRemoved } from '../reading/model-notes.ts';
import { type FileOptions, floatOutcome, requireFreeFile, writeStage } from './stage-file.ts';

export interface PruneFileOptions
  extends SourceOptions,
    FileOptions,
    Omit<SlimOptions, 'finetuneEpochs' | 'flip' | 'teacher' | 'pruneFrozen'> {
  /** Groups that stay whole: by name, or by that of a weight they hold. */
  readonly freeze?: readonly string[] | undefined;
  /** @default 0 */
  readonly seed?: number | undefined;
  /** @default up to 4 */
  readonly threads?: number | undefined;
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
  await requireFreeFile(options);
  const opened = await openAndMeasure(options, new StageLog());
  const { folded, data, preprocessing, measuring } = opened;
  const { freeze = [] } = options;
  const asked = { ...options, pruneFrozen: freeze.length === 0 ? undefined : groupsNamed(folded, freeze) };
  const slimmed = await slimByOptions(folded, data, preprocessing, asked, async (bytes, name) => {
    const { top1, samples, latencyMs } = await measureModel(bytes, `evaluating after ${name}`, measuring);
    return { top1, samples, latencyMs };
  });
  const { model, stages, pruning, clear } = slimmed;
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
  await writeStage({ ...model, metadata }, opened, options.out);
  await clear();
  return { model: options.out, stages: [await floatOutcome(opened), ...stages], groups: pruning?.groups ?? [] };
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
