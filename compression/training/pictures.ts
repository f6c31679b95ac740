import type { Dataset } from '../../calibration/dataset.ts';
import { WaysideError } from '../../core/errors.ts';
import type { RunOptions } from '../../core/progress.ts';
import { WHOLE_FRAME } from '../../inference/image.ts';
import { createPreprocessor, inputLength, type Preprocessing } from '../../inference/preprocess.ts';

/**
 * A training set in memory, at the size the model takes: planes `[count, 3, H, W]` of bytes, shared between threads.
 * Training visits every picture dozens of times; decoding it each time would cost more than the network does.
 */
export interface Pictures {
  readonly count: number;
  readonly size: readonly [height: number, width: number];
  readonly classes: number;
  readonly planes: SharedArrayBuffer;
  readonly labels: SharedArrayBuffer;
}

/** 40,000 pictures of 32x32 take 123 MB, 25,000 of 224x224 3.8 GB: past this, training needs a smaller size. */
const LIMIT_BYTES = 4 * 2 ** 30;

/**
 * Reads pictures into memory, resized and cropped as the model wants them, not yet normalised.
 *
 * @param indices positions to take; all by default
 * @throws {WaysideError} DATASET_INVALID when the set is too large to hold, or empty
 */
export async function loadPictures(
  dataset: Dataset,
  preprocessing: Preprocessing,
  { indices, signal, onProgress }: RunOptions & { readonly indices?: readonly number[] | undefined } = {},
): Promise<Pictures> {
  const count = indices?.length ?? dataset.size;
  const length = inputLength(preprocessing);
  if (count === 0 || count * length > LIMIT_BYTES) {
    throw new WaysideError('DATASET_INVALID', {
      message: `${count} pictures of ${preprocessing.size.join('x')} pixels cannot be trained on: ${count === 0 ? 'none' : 'over 4 GiB'}`,
      hint: 'train on fewer pictures or at a smaller size',
    });
  }
  const planes = new SharedArrayBuffer(count * length);
  const labels = new SharedArrayBuffer(count * 4);
  const bytes = new Uint8Array(planes);
  const classes = new Int32Array(labels);
  const preprocess = createPreprocessor({ ...preprocessing, mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] });
  const picture = new Float32Array(length);
  let done = 0;
  for await (const { label, image } of dataset.samples(indices)) {
    signal?.throwIfAborted();
    preprocess(image, WHOLE_FRAME, picture, 0);
    const offset = done * length;
    for (let i = 0; i < length; i++) bytes[offset + i] = picture[i]! + 0.5;
    classes[done++] = label;
    if (done % 1024 === 0 || done === count) onProgress?.({ stage: 'reading training pictures', done, total: count });
  }
  const known = dataset.classes?.length ?? 0;
  return {
    count: done,
    size: preprocessing.size,
    classes: Math.max(known, classes.reduce((most, label) => Math.max(most, label), 0) + 1),
    planes,
    labels,
  };
}
