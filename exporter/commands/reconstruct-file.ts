import { modelDigest } from '../../calibration/table.ts';
import { layersOf } from '../../compression/layers.ts';
import { analyzeChannels } from '../../compression/pruning/channels/groups.ts';
import { prunedBy } from '../../compression/pruning/prune.ts';
import { WaysideError } from '../../core/errors.ts';
import { runContext } from '../../core/run/context.ts';
import type { Model } from '../../onnx/graph.ts';
import { openAndMeasure } from '../pipeline/open-float.ts';
import { runStages } from '../pipeline/run-stages.ts';
import { floatOutcome } from '../pipeline/sizes.ts';
import { type LayerErrorChange, planned } from '../pipeline/stage.ts';
import { reconstruct } from '../pipeline/stages/reconstruct.ts';
import { type PlanOptions, planOf } from '../plan/plan-of.ts';
import type { StageOutcome } from '../prune-finetune/outcome.ts';
import { readFloat } from '../reading/float-source.ts';
import { notedRemoved, type Removed } from '../reading/model-notes.ts';
import type { FlowOptions } from './options.ts';
import { type FileOptions, requireFreeFile, writeStage } from './stage-file.ts';

interface ReconstructFileOptions extends FlowOptions, FileOptions, Pick<PlanOptions, 'seed' | 'validation'> {
  /** The model that was pruned. */
  readonly original: string;
  /** Training images to solve on. @default 2048 */
  readonly calibration?: number | undefined;
}

export interface ReconstructFileResult {
  readonly model: string;
  readonly stages: readonly StageOutcome[];
  readonly layers: readonly LayerErrorChange[];
}

/**
 * Solves the layers of a pruned model anew, so that each gives what the original's gave. Which channel of the original is which,
 * `wayside prune` has noted in the pruned file.
 *
 * @throws {WaysideError} USAGE for a file that was not pruned from the original; as `openAndMeasure` and `reconstruct`
 */
export async function reconstructFile(options: ReconstructFileOptions): Promise<ReconstructFileResult> {
  const { out, seed, validation, output, calibration: images } = options;
  await requireFreeFile(options);
  const plan = planOf({ seed, validation });
  const context = runContext(options);
  const { signal, log } = context;
  const { folded: original } = await readFloat(options.original, log, { signal, note: log.note, output });
  const opened = await openAndMeasure(options, plan, context);
  const { folded } = opened;
  const removed = removedFrom(original, folded, notedRemoved(opened.model.metadata), options);
  const pruning = { groups: [], sensitivity: [], removed: [...removed] };
  const float = { ...(await floatOutcome(opened)), name: 'pruned' };
  const { model, reconstructed, outcomes, clear } = await runStages(
    [planned(reconstruct, { pictures: images })],
    { model: folded, outcomes: [float], pruning },
    { ...context, opened, original, seed: plan.seed, limits: {}, out },
  );
  if (reconstructed?.length === 0) {
    await clear();
    throw new WaysideError('NOTHING_TO_DO', {
      message: `no layer of ${options.model} lost channels: there is nothing to solve anew`,
    });
  }
  await writeStage(model, opened, out);
  await clear();
  return { model: out, stages: outcomes, layers: reconstructed ?? [] };
}

/** Channels of the original that the pruned model is without. @throws {WaysideError} USAGE */
function removedFrom(
  original: Model,
  pruned: Model,
  noted: Removed | undefined,
  paths: Pick<ReconstructFileOptions, 'model' | 'original'>,
): ReadonlySet<number> {
  if (noted === undefined || noted.of !== modelDigest(original)) {
    const why = noted === undefined ? 'it does not say what was taken from it' : 'its note names another model';
    throw new WaysideError('USAGE', {
      message: `${paths.model} was not pruned from ${paths.original}: ${why}`,
      hint: 'name the file that wayside prune was given; with --no-reconstruct it leaves reconstruction to this command',
    });
  }
  const analysis = analyzeChannels(original);
  const gone = analysis.groups.flatMap(({ name, channels }) =>
    (noted.removed[name] ?? []).flatMap((position) => channels[position]?.id ?? []),
  );
  const { model, removed } = prunedBy(original, analysis, new Set(gone));
  if (formOf(model) === formOf(pruned)) return removed;
  throw new WaysideError('USAGE', {
    message: `the layers of ${paths.model} are no longer those that pruning left`,
    hint: 'reconstruct before anything else is changed',
  });
}

/** Layers with what they read, make and hold: what must be alike where one model's layers are solved for another's. */
const formOf = ({ graph }: Model): string =>
  JSON.stringify(layersOf(graph).map(({ node, input, output, weights }) => [node.name, input, output, weights.dims]));
