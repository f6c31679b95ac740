import { modelDigest } from '../../calibration/table.ts';
import { WaysideError } from '../../core/errors.ts';
import { VERSION } from '../../core/layout.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { calibrationIndices } from '../calibration-draw.ts';
import { type CompressOptions, defaultThreads } from '../options.ts';
import type { Data } from '../prepare.ts';
import { type FinetunePlan, type SlimOptions, slimPlan } from './plan.ts';
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
  { train, test }: Data,
  preprocessing: Preprocessing,
  options: SlimOptions & Pick<CompressOptions, 'out' | 'plan' | 'seed' | 'threads' | 'limit' | 'signal' | 'onProgress'>,
  measure: SlimRun['measure'],
): Promise<SlimOutcome> {
  const { prune, finetune } = options.plan ?? slimPlan(options);
  const seed = options.plan?.seed ?? options.seed ?? 0;
  const samples = Math.min(prune?.pictures ?? FINETUNE_STATISTICS, train.size);
  const { threads = defaultThreads(), signal, onProgress, limit } = options;
  const teacher = teacherOf(finetune, options);
  if (prune === undefined && finetune === undefined) {
    return { model: folded, stages: [], pruning: undefined, clear: () => Promise.resolve() };
  }
  const data = [await train.digest(), await test.digest(), limit ?? null];
  const decides = [VERSION, modelDigest(folded), data, preprocessing, seed, samples, threads, prune];
  const work = {
    prune: new WorkFolder(options.out, decides),
    finetune: new WorkFolder(options.out, [...decides, finetune]),
  };
  const slimmed = await slim(folded, {
    train,
    preprocessing,
    indices: calibrationIndices(train, { seed, calibration: { samples } }),
    seed,
    threads,
    ...(signal && { signal }),
    ...(onProgress && { onProgress }),
    plan: { prune, finetune },
    ...(teacher && { teacher }),
    work,
    measure,
  });
  return { ...slimmed, clear: () => work.finetune.remove() };
}

/** The model that the plan learns from. @throws {WaysideError} USAGE when it is not the one given */
function teacherOf(
  finetune: FinetunePlan | undefined,
  { teacher: given, teacherWeight }: Pick<SlimOptions, 'teacher' | 'teacherWeight'>,
): Model | undefined {
  const wanted = finetune?.teacher;
  if (finetune === undefined && (given !== undefined || teacherWeight !== undefined)) {
    throw new WaysideError('USAGE', {
      message: `a teacher${given === undefined ? "'s weight" : ''} is given, and nothing is trained`,
      hint: 'say for how long with --finetune-epochs',
    });
  }
  if (wanted === undefined) return undefined;
  if (given !== undefined && modelDigest(given) === wanted) return given;
  throw new WaysideError('USAGE', {
    message:
      given === undefined
        ? 'the plan learns from a teacher, and none is given'
        : 'the plan learns from another teacher',
    hint: 'give the model that the plan was made with as --teacher',
  });
}
