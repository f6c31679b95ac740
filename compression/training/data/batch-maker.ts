import { sampleIndices, seededRandom } from '../../../core/random.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import { type Augmentation, betaSample, draw, normalizationTables, place } from './augment.ts';
import type { ImageSet } from './images.ts';

export interface BatchPlan {
  readonly images: ImageSet;
  readonly preprocessing: Preprocessing;
  readonly augmentation: Augmentation;
  readonly batch: number;
  readonly seed: number;
}

export interface TrainingBatch {
  /** `[batch, 3, H, W]`. */
  readonly data: Float32Array;
  /** `[batch, classes]`, rows summing to 1. */
  readonly targets: Float32Array;
}

/** Steps of an epoch: whole batches only, what is left over takes its turn in another epoch's order. */
export const stepsPerEpoch = ({ images, batch }: BatchPlan): number =>
  Math.max(1, Math.floor(images.positions.length / batch));

/** Mixes seed, epoch and step into one 32-bit seed: any batch can be made without those before it. */
const seedFor = (seed: number, epoch: number, step: number): number =>
  (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(epoch + 1, 0xc2b2ae35) ^ Math.imul(step + 1, 0x27d4eb2f)) >>> 0;

/**
 * Makes batch `step` of `epoch`. A pure function of the plan: a training that was interrupted sees the same batches.
 */
export function batchMaker(plan: BatchPlan): (epoch: number, step: number) => TrainingBatch {
  const { images, preprocessing, augmentation, batch, seed } = plan;
  const { positions } = images;
  const [height, width] = images.size;
  const planes = new Uint8Array(images.planes);
  const labels = new Int32Array(images.labels);
  const tables = normalizationTables(preprocessing);
  const length = 3 * height * width;
  const { labelSmoothing = 0, mixup = 0 } = augmentation;
  let order: { readonly epoch: number; readonly indices: readonly number[] } | undefined;

  return (epoch, step) => {
    if (order?.epoch !== epoch) {
      const random = seededRandom(seedFor(seed, epoch, -1));
      order = { epoch, indices: sampleIndices(positions.length, positions.length, random) };
    }
    const random = seededRandom(seedFor(seed, epoch, step));
    const data = new Float32Array(batch * length);
    const targets = new Float32Array(batch * images.classes).fill(labelSmoothing / images.classes);
    for (let i = 0; i < batch; i++) {
      const image = positions[order.indices[(step * batch + i) % positions.length]!]!;
      place(planes, image, images.size, tables, draw(random, augmentation, height, width), data, i * length);
      targets[i * images.classes + labels[image]!]! += 1 - labelSmoothing;
    }
    if (mixup > 0) mix(data, targets, batch, betaSample(random, mixup));
    return { data, targets };
  };
}

/** Mixup of every image with its mirror place in the batch, share `lambda` of its own (Zhang 2018). */
function mix(data: Float32Array, targets: Float32Array, batch: number, lambda: number): void {
  for (const values of [data, targets]) {
    const length = values.length / batch;
    for (let i = 0; i < batch >> 1; i++) {
      const a = i * length;
      const b = (batch - 1 - i) * length;
      for (let k = 0; k < length; k++) {
        const x = values[a + k]!;
        const y = values[b + k]!;
        values[a + k] = lambda * x + (1 - lambda) * y;
        values[b + k] = lambda * y + (1 - lambda) * x;
      }
    }
  }
}
