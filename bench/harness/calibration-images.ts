import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { batchesOf } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import { sampleIndices, seededRandom } from '../../core/random.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { writeNpy } from './peers/npy.ts';

interface Draw {
  readonly samples: number;
  readonly seed: number;
}

/** The positions that the exporter draws by this seed. */
const drawn = (dataset: Dataset, { samples, seed }: Draw): number[] =>
  sampleIndices(dataset.size, samples, seededRandom(seed)).sort((a, b) => a - b);

/**
 * Writes the very images that the exporter draws by this seed, preprocessed as it does, as `[N, 3, H, W]` float32 for NumPy.
 */
export async function writeCalibrationImages(
  path: string,
  dataset: Dataset,
  preprocessing: Preprocessing,
  draw: Draw,
): Promise<void> {
  const indices = drawn(dataset, draw);
  const [height, width] = preprocessing.size;
  for await (const { tensor, count } of batchesOf(dataset, preprocessing, indices.length, { indices })) {
    await writeNpy(path, tensor.data, [count, 3, height, width]);
  }
}

/** Names the very image files that the exporter draws by this seed, and how to preprocess them: decoding is the reader's work. */
export async function writeImageList(
  path: string,
  root: string,
  dataset: Dataset,
  preprocessing: Preprocessing,
  draw: Draw,
): Promise<void> {
  const files: string[] = [];
  for await (const { id } of dataset.samples(drawn(dataset, draw))) files.push(join(root, id));
  const { size, resize, mean, std, channels } = preprocessing;
  const shorterSide = resize !== 'stretch' && 'shorterSide' in resize ? resize.shorterSide : Math.min(...size);
  await writeFile(path, JSON.stringify({ files, shorterSide, size, mean, std, channels }));
}
