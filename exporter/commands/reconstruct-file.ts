import { modelDigest } from '../../calibration/table.ts';
import { layersOf } from '../../compression/layers.ts';
import { analyzeChannels } from '../../compression/pruning/channels/groups.ts';
import { type Pruned, prunedBy } from '../../compression/pruning/prune.ts';
import { reconstruct } from '../../compression/pruning/reconstruct/reconstruct.ts';
import { WaysideError } from '../../core/errors.ts';
import { StageLog } from '../../core/stage-log.ts';
import { encodeModel } from '../../onnx/file/write.ts';
import type { Model } from '../../onnx/graph.ts';
import { measureModel } from '../pipeline/measure.ts';
import { openAndMeasure, type SourceOptions } from '../pipeline/open-float.ts';
import { defaultThreads } from '../pipeline/options.ts';
import { calibrationIndices } from '../plan/calibration-samples.ts';
import { PRUNING_PICTURES } from '../plan/prune-finetune.ts';
import type { StageOutcome } from '../prune-finetune/outcome.ts';
import { sizesOf } from '../prune-finetune/slim.ts';
import { readFloat } from '../reading/float-source.ts';
import { notedRemoved, type Removed } from '../reading/model-notes.ts';
import { type FileOptions, floatOutcome, requireFreeFile, writeStage } from './stage-file.ts';

export interface ReconstructFileOptions extends SourceOptions, FileOptions {
  /** The model that was pruned. */
  readonly original: string;
  /** Training pictures to solve on. @default 2048 */
  readonly calibration?: number | undefined;
  /** @default 0 */
  readonly seed?: number | undefined;
  /** @default up to 4 */
  readonly threads?: number | undefined;
}

export interface ReconstructFileResult {
  readonly model: string;
  readonly stages: readonly StageOutcome[];
  /** Error of each layer's output as a share of its variance, before and after. */
  readonly layers: readonly { readonly name: string; readonly before: number; readonly after: number }[];
}

/**
 * Solves the layers of a pruned model anew, so that each gives what the original's gave. Which channel of the original is which,
 * `wayside prune` has noted in the pruned file.
 *
 * @throws {WaysideError} USAGE for a file that was not pruned from the original; as `openAndMeasure` and `reconstruct`
 */
export async function reconstructFile(options: ReconstructFileOptions): Promise<ReconstructFileResult> {
  await requireFreeFile(options);
  const log = new StageLog();
  const { folded: original } = await readFloat(options.original, log, options);
  const opened = await openAndMeasure(options, log);
  const { data, preprocessing, measuring } = opened;
  const { calibration = PRUNING_PICTURES, seed = 0, threads = defaultThreads(), signal, onProgress } = options;
  const pruned = prunedFrom(original, opened.folded, notedRemoved(opened.model.metadata), options);
  const started = performance.now();
  const samples = Math.min(calibration, data.train.size);
  const { model, layers } = await reconstruct(original, pruned, data.train, {
    preprocessing,
    indices: calibrationIndices(data.train, { seed, calibration: { samples } }),
    seed,
    threads,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
  });
  const seconds = (performance.now() - started) / 1000;
  if (layers.length === 0) {
    throw new WaysideError('NOTHING_TO_DO', {
      message: `no layer of ${options.model} lost channels: there is nothing to solve anew`,
    });
  }
  const bytes = encodeModel(model);
  const measured = await measureModel(bytes, 'evaluating after reconstruct', measuring);
  await writeStage(model, opened, options.out);
  const outcome = {
    name: 'reconstruct',
    top1: measured.top1,
    samples: measured.samples,
    latencyMs: measured.latencyMs,
    bytes: bytes.byteLength,
    ...(await sizesOf(model, preprocessing)),
    seconds,
  };
  return { model: options.out, stages: [{ ...(await floatOutcome(opened)), name: 'pruned' }, outcome], layers };
}

/** The pruned model with its place in the original. @throws {WaysideError} USAGE */
function prunedFrom(
  original: Model,
  pruned: Model,
  noted: Removed | undefined,
  paths: Pick<ReconstructFileOptions, 'model' | 'original'>,
): Pruned {
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
  const whole = prunedBy(original, analysis, new Set(gone));
  if (formOf(whole.model) === formOf(pruned)) return { ...whole, model: pruned };
  throw new WaysideError('USAGE', {
    message: `the layers of ${paths.model} are no longer those that pruning left`,
    hint: 'reconstruct before anything else is changed',
  });
}

/** Layers with what they read, make and hold: what must be alike where one model's layers are solved for another's. */
const formOf = ({ graph }: Model): string =>
  JSON.stringify(layersOf(graph).map(({ node, input, output, weights }) => [node.name, input, output, weights.dims]));
