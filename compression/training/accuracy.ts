import type { Preprocessing } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import type { ImageSet } from './data/images.ts';
import { openValidator } from './validator.ts';

interface AccuracyOptions {
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Share of the images that a model classifies right, 0 to 1: what training starts from, by the measure it is judged by.
 *
 * @throws {WaysideError} SESSION_LOAD, SESSION_RUN; AbortError when `signal` aborts
 */
export async function accuracyOf(
  model: Model,
  images: ImageSet,
  { preprocessing, threads, signal }: AccuracyOptions,
): Promise<number> {
  const nothingTrains = { values: [], running: [], parameters: [], statistics: [] };
  const validator = await openValidator(model, nothingTrains, images, preprocessing, threads);
  try {
    return await validator.accuracy(nothingTrains, signal);
  } finally {
    await validator.close();
  }
}
