import { sampleIndices, seededRandom } from '../../../core/random.ts';
import type { Preprocessing } from '../../../inference/preprocess.ts';
import { type Augmentation, betaSample, draw, normalizationTables, place } from './augment.ts';
import type { Pictures } from './images.ts';

export interface BatchPlan {
  readonly pictures: Pictures;
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
export const stepsPerEpoch = ({ pictures, batch }: BatchPlan): number =>
  Math.max(1, Math.floor(pictures.positions.length / batch));

/** Mixes seed, epoch and step into one 32-bit seed: any batch can be made without those before it. */
const seedFor = (seed: number, epoch: number, step: number): number =>
  (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(epoch + 1, 0xc2b2ae35) ^ Math.imul(step + 1, 0x27d4eb2f)) >>> 0;

/**
 * Makes batch `step` of `epoch`. A pure function of the plan: a training that was interrupted sees the same batches.
 */
export function batchMaker(plan: BatchPlan): (epoch: number, step: number) => TrainingBatch {
  const { pictures, preprocessing, augmentation, batch, seed } = plan;
  const { positions } = pictures;
  const [height, width] = pictures.size;
  const planes = new Uint8Array(pictures.planes);
  const labels = new Int32Array(pictures.labels);
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
    const targets = new Float32Array(batch * pictures.classes).fill(labelSmoothing / pictures.classes);
    for (let i = 0; i < batch; i++) {
      const picture = positions[order.indices[(step * batch + i) % positions.length]!]!;
      place(planes, picture, pictures.size, tables, draw(random, augmentation, height, width), data, i * length);
      targets[i * pictures.classes + labels[picture]!]! += 1 - labelSmoothing;
    }
    if (mixup > 0) mix(data, targets, batch, betaSample(random, mixup));
    return { data, targets };
  };
}

/** Mixup of every picture with its mirror place in the batch, share `lambda` of its own (Zhang 2018). */
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
