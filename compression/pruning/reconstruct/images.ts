import type { Dataset } from '../../../calibration/dataset.ts';
import { overBatches } from '../../../calibration/run-over.ts';
import { inputLength, type Preprocessing } from '../../../inference/preprocess.ts';
import type { Activation } from './walk.ts';

/** Images of a data set, preprocessed, all in memory: `[indices.length, 3, H, W]`, 12 kB each at 32x32. */
export async function loadImages(
  dataset: Dataset,
  preprocessing: Preprocessing,
  indices: readonly number[],
): Promise<Activation> {
  const length = inputLength(preprocessing);
  const data = new Float32Array(indices.length * length);
  let at = 0;
  await overBatches(dataset, 16, { preprocessing, indices }, ({ tensor, count }) => {
    data.set(tensor.data.subarray(0, count * length), at);
    at += count * length;
  });
  return { dims: [3, ...preprocessing.size], data };
}
