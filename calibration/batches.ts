import { WaysideError } from '../core/errors.ts';
import { WHOLE_FRAME } from '../inference/image.ts';
import { createPreprocessor, inputLength, type Preprocessing } from '../inference/preprocess.ts';
import { floatTensor, type RunTensor, type ValueSpec } from '../inference/session.ts';
import type { Dataset } from './dataset.ts';

/** Some images, ready to be fed. `tensor` is `[n, 3, H, W]` and is overwritten by the next batch. */
export interface Batch {
  readonly tensor: RunTensor<'float32'>;
  /** Images in it; a model of fixed batch may get fewer than its rows, the others are left over from before. */
  readonly count: number;
  readonly ids: readonly string[];
  readonly labels: readonly number[];
}

/** Past 16 images of 32x32 the time per image stays flat (ResNet20, one thread), while memory goes on growing. */
const SYMBOLIC_BATCH = 16;

/**
 * Images a run: what the model fixes, or `wanted` where it leaves the dimension open.
 *
 * @throws {WaysideError} PREPROCESS_MISMATCH when the input does not take what the preprocessing makes
 */
export function batchSizeFor(input: ValueSpec, { size }: Preprocessing, wanted = SYMBOLIC_BATCH): number {
  const [batch, ...image] = input.shape;
  const fits = [3, ...size].every((dim, axis) => typeof image[axis] === 'string' || image[axis] === dim);
  if (input.type !== 'float32' || image.length !== 3 || !fits) {
    throw new WaysideError('PREPROCESS_MISMATCH', {
      message: `input ${input.name}: expected float32 [N, 3, ${size.join(', ')}], got ${input.type} [${input.shape.join(', ')}]`,
      hint:
        input.type === 'float32'
          ? 'the preprocessing was made for another model: check --size'
          : 'export the model with a float32 input; one that casts uint8 itself `wayside compress` takes as it is',
    });
  }
  return typeof batch === 'number' ? batch : wanted;
}

/** Of all images of a run: two of 224x224. */
const RUN_PIXELS = 2 * 224 * 224;

/**
 * Images a run of a model that is only looked at: a signal waits for the run to end, and 16 of 224x224 take ResNet50 more than a second on
 * one thread.
 */
export const imagesToLookAt = ([height, width]: Preprocessing['size']): number =>
  Math.max(1, Math.min(SYMBOLIC_BATCH, Math.floor(RUN_PIXELS / (height * width))));

/** Streams a data set as preprocessed batches in one reused buffer. */
export async function* batchesOf(
  dataset: Dataset,
  preprocessing: Preprocessing,
  batchSize: number,
  { indices, fixed = false }: { readonly indices?: readonly number[] | undefined; readonly fixed?: boolean } = {},
): AsyncGenerator<Batch> {
  const preprocess = createPreprocessor(preprocessing);
  const length = inputLength(preprocessing);
  const data = new Float32Array(batchSize * length);
  const dims = [3, ...preprocessing.size];
  let ids: string[] = [];
  let labels: number[] = [];
  const batch = (): Batch => {
    const rows = fixed ? batchSize : ids.length;
    return { tensor: floatTensor(data.subarray(0, rows * length), [rows, ...dims]), count: ids.length, ids, labels };
  };
  for await (const { id, label, image } of dataset.samples(indices)) {
    preprocess(image, WHOLE_FRAME, data, ids.length * length);
    ids.push(id);
    labels.push(label);
    if (ids.length < batchSize) continue;
    yield batch();
    ids = [];
    labels = [];
  }
  if (ids.length > 0) yield batch();
}
