import { loadPictures } from '../../compression/training/pictures.ts';
import { cosine } from '../../compression/training/schedule.ts';
import { sgd } from '../../compression/training/sgd.ts';
import { splitPictures } from '../../compression/training/split.ts';
import { train } from '../../compression/training/train.ts';
import type { Model } from '../../onnx/graph.ts';
import type { FinetunePlan } from './plan.ts';
import type { SlimContext } from './prune-stage.ts';

/** Pictures set aside to choose the best epoch by. */
const ASIDE = 0.05;

/**
 * Trains the pruned model on the training pictures and on the original's answers. Its normalisations are folded into the
 * layers by now: rates stay low enough not to need them.
 */
export async function finetuneBy(
  model: Model,
  original: Model,
  plan: FinetunePlan,
  { train: dataset, preprocessing, seed, threads, signal, onProgress }: SlimContext,
  checkpoint: string,
): Promise<Model> {
  const run = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const pictures = await loadPictures(dataset, preprocessing, run);
  const { training, validation } = splitPictures(pictures, ASIDE, seed);
  const result = await train(model, {
    ...run,
    pictures: training,
    validation,
    preprocessing,
    epochs: plan.epochs,
    batch: plan.batch,
    rate: plan.rate,
    optimizer: (parameters) => sgd(parameters, { weightDecay: 1e-4 }),
    schedule: cosine(0.05),
    augmentation: { shift: Math.round(preprocessing.size[0] / 8), flip: plan.flip },
    teacher: { model: original },
    seed,
    threads,
    checkpoint,
  });
  return result.model;
}
