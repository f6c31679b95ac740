import { batchesOf } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import { sampleIndices, seededRandom } from '../../core/random.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { writeNpy } from './npy.ts';

/**
 * Writes the very pictures that the exporter draws by this seed, preprocessed as it does, as `[N, 3, H, W]` float32 for NumPy.
 */
export async function writeCalibrationImages(
  path: string,
  dataset: Dataset,
  preprocessing: Preprocessing,
  { samples, seed }: { readonly samples: number; readonly seed: number },
): Promise<void> {
  const indices = sampleIndices(dataset.size, samples, seededRandom(seed)).sort((a, b) => a - b);
  const [height, width] = preprocessing.size;
  for await (const { tensor, count } of batchesOf(dataset, preprocessing, indices.length, { indices })) {
    await writeNpy(path, tensor.data, [count, 3, height, width]);
  }
}
