import { modelDigest } from '../../calibration/table.ts';
import { VERSION } from '../../core/layout.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { type CompressOptions, defaultThreads } from '../pipeline/options.ts';
import type { Data } from '../pipeline/prepare.ts';
import { calibrationIndices } from '../plan/calibration-samples.ts';
import { type SlimOptions, slimPlan } from '../plan/prune-finetune.ts';
import { teacherOf } from '../plan/teacher.ts';
import { type Slimmed, type SlimRun, slim } from './slim.ts';
import { WorkFolder } from './work-folder.ts';

/** Pictures whose mean and variance the normalisations begin with where nothing was pruned. */
const FINETUNE_STATISTICS = 512;

/** What a run leaves: the model, and how to clear away what it kept for the case of an interruption. */
export interface SlimOutcome extends Slimmed {
  readonly clear: () => Promise<void>;
}

/**
 * Prunes, reconstructs and fine-tunes as plan or options say, or nothing where they say nothing.
 *
 * @throws {WaysideError} PRUNING_IMPOSSIBLE, MODEL_UNSUPPORTED, TRAINING_DIVERGED; USAGE for a plan of another teacher; AbortError when `signal` aborts
 */
export async function slimByOptions(
  folded: Model,
  { train, validation, test }: Data,
  preprocessing: Preprocessing,
  options: SlimOptions & Pick<CompressOptions, 'out' | 'plan' | 'seed' | 'threads' | 'limit' | 'signal' | 'onProgress'>,
  measure: SlimRun['measure'],
): Promise<SlimOutcome> {
  const { prune, finetune } = options.plan ?? slimPlan(options);
  const seed = options.plan?.seed ?? options.seed ?? 0;
  const samples = Math.min(prune?.pictures ?? FINETUNE_STATISTICS, train.size);
  const { threads = defaultThreads(), signal, onProgress, limit } = options;
  if (prune === undefined && finetune === undefined) {
    return { model: folded, stages: [], pruning: undefined, clear: () => Promise.resolve() };
  }
  const teacher = finetune && teacherOf(finetune, options.teacher, folded);
  const judged = validation && (await validation.digest());
  const data = [await train.digest(), await test.digest(), limit ?? null, ...(judged ? [judged] : [])];
  const decides = [VERSION, modelDigest(folded), data, preprocessing, seed, samples, threads, prune];
  const work = {
    prune: new WorkFolder(options.out, decides),
    finetune: new WorkFolder(options.out, [...decides, finetune]),
  };
  const slimmed = await slim(folded, {
    train,
    validation,
    preprocessing,
    indices: calibrationIndices(train, { seed, calibration: { samples } }),
    seed,
    threads,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    plan: { prune, finetune },
    teacher,
    work,
    measure,
  });
  return { ...slimmed, clear: () => work.finetune.remove() };
}
