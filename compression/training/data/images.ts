import type { Dataset } from '../../../calibration/dataset.ts';
import { WaysideError } from '../../../core/errors.ts';
import type { RunOptions } from '../../../core/progress.ts';
import { WHOLE_FRAME } from '../../../inference/image.ts';
import { createPreprocessor, inputLength, type Preprocessing } from '../../../inference/preprocess.ts';

/**
 * Labelled images in memory, at the size the model takes: planes `[all, 3, H, W]` of bytes, shared between threads.
 * Training visits every image dozens of times; decoding it each time would cost more than the network does.
 */
export interface ImageSet {
  readonly size: readonly [height: number, width: number];
  readonly classes: number;
  readonly planes: SharedArrayBuffer;
  /** Class of every image, 32-bit. */
  readonly labels: SharedArrayBuffer;
  /** Those that belong to this part: training and validation share the memory. */
  readonly positions: readonly number[];
}

export interface LoadedImages extends ImageSet {
  /** Name of every image inside its set. */
  readonly ids: readonly string[];
}

/** 40,000 images of 32x32 take 123 MB, 25,000 of 224x224 3.8 GB: past this, training needs a smaller size. */
const LIMIT_BYTES = 4 * 2 ** 30;

/**
 * Reads images into memory, resized and cropped as the model wants them, not yet normalised.
 *
 * @param indices positions in the set to take; all by default
 * @throws {WaysideError} DATASET_INVALID when the set is too large to hold, or empty
 */
export async function loadImages(
  dataset: Dataset,
  preprocessing: Preprocessing,
  { indices, signal, onProgress }: RunOptions & { readonly indices?: readonly number[] | undefined } = {},
): Promise<LoadedImages> {
  const count = indices?.length ?? dataset.size;
  const length = inputLength(preprocessing);
  if (count === 0 || count * length > LIMIT_BYTES) {
    throw new WaysideError('DATASET_INVALID', {
      message: `${count} images of ${preprocessing.size.join('x')} pixels cannot be trained on: ${count === 0 ? 'none' : 'over 4 GiB'}`,
      hint: 'train on fewer images or at a smaller size',
    });
  }
  const planes = new SharedArrayBuffer(count * length);
  const labels = new SharedArrayBuffer(count * 4);
  const bytes = new Uint8Array(planes);
  const classOf = new Int32Array(labels);
  const preprocess = createPreprocessor({ ...preprocessing, mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] });
  const values = new Float32Array(length);
  const ids: string[] = [];
  for await (const { id, label, image } of dataset.samples(indices)) {
    signal?.throwIfAborted();
    preprocess(image, WHOLE_FRAME, values, 0);
    const offset = ids.length * length;
    for (let i = 0; i < length; i++) bytes[offset + i] = values[i]! + 0.5;
    classOf[ids.length] = label;
    ids.push(id);
    const done = ids.length;
    if (done % 1024 === 0 || done === count) onProgress?.({ stage: 'reading training images', done, total: count });
  }
  return {
    size: preprocessing.size,
    classes: Math.max(dataset.classes?.length ?? 0, classOf.reduce((most, label) => Math.max(most, label), 0) + 1),
    planes,
    labels,
    positions: ids.map((_, i) => i),
    ids,
  };
}
