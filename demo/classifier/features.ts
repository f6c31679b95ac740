import { batchesOf } from '../../calibration/batches.ts';
import type { Dataset } from '../../calibration/dataset.ts';
import type { Random } from '../../core/random.ts';
import { floatsOf, openSession } from '../../inference/session.ts';
import { encodeModel } from '../../onnx/write.ts';
import type { Patches } from './dictionary.ts';
import { buildNetwork, PREPROCESSING, SIDE, type Stage } from './network.ts';

/** Pictures a run. */
const BATCH = 64;

/** What the network computes of some pictures: `[count, length]`. Valid until the next one is asked for. */
export interface FeatureBatch {
  readonly count: number;
  readonly length: number;
  readonly values: Float32Array;
  readonly labels: readonly number[];
}

/** Runs the pictures at `indices` through the stages; without stages, the preprocessed pictures themselves. */
export async function* featuresOf(
  stages: readonly Stage[],
  dataset: Dataset,
  indices: readonly number[],
): AsyncGenerator<FeatureBatch> {
  const session = stages.length === 0 ? null : await openSession(encodeModel(buildNetwork(stages)), { threads: 2 });
  try {
    for await (const { tensor, count, labels } of batchesOf(dataset, PREPROCESSING, BATCH, { indices })) {
      const values =
        session === null
          ? tensor.data
          : floatsOf(await session.run({ [session.input.name]: tensor }), session.output.name);
      yield { count, length: values.length / count, values, labels };
    }
  } finally {
    await session?.close();
  }
}

/** Side of the square map that the stages leave. */
const mapSide = (stages: readonly Stage[]): number =>
  stages.reduce((side, { window }) => Math.floor(side / window), SIDE);

/** Squares of `kernel` by `kernel` cut at random places from the stages' maps, `perPicture` of each picture. */
export async function cutPatches(
  stages: readonly Stage[],
  kernel: number,
  dataset: Dataset,
  indices: readonly number[],
  perPicture: number,
  random: Random,
): Promise<Patches> {
  const side = mapSide(stages);
  const channels = stages.at(-1)?.channels ?? 3;
  const length = channels * kernel * kernel;
  const count = indices.length * perPicture;
  const values = new Float64Array(count * length);
  let at = 0;
  for await (const batch of featuresOf(stages, dataset, indices)) {
    for (let i = 0; i < batch.count * perPicture; i++) {
      const map = Math.floor(i / perPicture) * batch.length;
      const left = random.below(side - kernel + 1);
      const top = random.below(side - kernel + 1);
      for (let channel = 0; channel < channels; channel++) {
        for (let row = 0; row < kernel; row++) {
          const from = map + (channel * side + top + row) * side + left;
          for (let column = 0; column < kernel; column++) values[at++] = batch.values[from + column]!;
        }
      }
    }
  }
  return { count, length, values };
}

/** Root mean square of each channel of the last stage; never zero. */
export async function channelScales(
  stages: readonly Stage[],
  dataset: Dataset,
  indices: readonly number[],
): Promise<number[]> {
  const channels = stages.at(-1)?.channels ?? 3;
  const sums = new Float64Array(channels);
  let each = 0;
  for await (const { count, length, values } of featuresOf(stages, dataset, indices)) {
    const area = length / channels;
    each += count * area;
    for (let i = 0; i < count * length; i++) sums[Math.floor((i % length) / area)]! += values[i]! ** 2;
  }
  return Array.from(sums, (sum) => Math.max(1e-4, Math.sqrt(sum / each)));
}
