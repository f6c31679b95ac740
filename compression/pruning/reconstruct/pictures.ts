import { batchesOf } from '../../../calibration/batches.ts';
import type { Dataset } from '../../../calibration/dataset.ts';
import { inputLength, type Preprocessing } from '../../../inference/preprocess.ts';
import type { Activation } from './walk.ts';

/** Pictures of a data set, preprocessed, all in memory: `[indices.length, 3, H, W]`, 12 kB each at 32x32. */
export async function loadPictures(
  dataset: Dataset,
  preprocessing: Preprocessing,
  indices: readonly number[],
): Promise<Activation> {
  const length = inputLength(preprocessing);
  const data = new Float32Array(indices.length * length);
  let at = 0;
  for await (const { tensor, count } of batchesOf(dataset, preprocessing, 16, { indices })) {
    data.set(tensor.data.subarray(0, count * length), at);
    at += count * length;
  }
  return { dims: [3, ...preprocessing.size], data };
}
