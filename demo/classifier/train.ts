import type { Dataset } from '../../calibration/dataset.ts';
import type { RunOptions } from '../../core/progress.ts';
import { seededRandom } from '../../core/random.ts';
import type { Model } from '../../onnx/graph.ts';
import { learnFilters } from './dictionary.ts';
import { channelScales, cutPatches, featuresOf } from './features.ts';
import { buildNetwork, type Head, type Stage, scaled, stageOf } from './network.ts';
import { NormalEquations } from './normal-equations.ts';
import { calibrateFactor, type Scored } from './temperature.ts';

/** More filters in the second stage still help (a few points from 64 to 192), at the price of the package's size. */
const FIRST = { filters: 24, kernel: 5, threshold: 0.5, regularization: 0.1, patchesPerPicture: 10 };
const SECOND = { filters: 128, kernel: 3, threshold: 0.5, regularization: 0.1, patchesPerPicture: 8 };
const LAMBDA = 0.03;
/** Share of the pictures, at the end and thus from scenes of their own, kept for the temperature. */
const KEPT = 0.08;
/** Pictures that filters and scales are learned from: every fourth of the first scenes. */
const DICTIONARY_PICTURES = 2400;

export interface TrainOptions extends RunOptions {
  readonly seed: number;
}

/**
 * A classifier without gradients: two convolution stages whose filters are learned without labels, and a linear head that
 * ridge regression gives in closed form.
 */
export async function train(dataset: Dataset, { seed, onProgress, signal }: TrainOptions): Promise<Model> {
  const random = seededRandom(seed);
  const few = Array.from({ length: Math.min(DICTIONARY_PICTURES, Math.floor(dataset.size / 4)) }, (_, i) => 4 * i);
  const stages: Stage[] = [];
  for (const [i, layer] of [FIRST, SECOND].entries()) {
    onProgress?.({ stage: `learning filters ${i + 1}`, done: i, total: 2 });
    const patches = await cutPatches(stages, layer.kernel, dataset, few, layer.patchesPerPicture, random);
    signal?.throwIfAborted();
    const shape = { inputs: stages.at(-1)?.channels ?? 3, kernel: layer.kernel };
    const pooling = i === 0 ? ({ pool: 'MaxPool', window: 2 } as const) : ({ pool: 'AveragePool', window: 5 } as const);
    const stage = stageOf(learnFilters(patches, layer, random), layer.threshold, { ...shape, ...pooling });
    stages.push(scaled(stage, await channelScales([...stages, stage], dataset, few.slice(0, 400))));
  }
  const fitted = Math.floor(dataset.size * (1 - KEPT));
  const head = await fitHead(stages, dataset, fitted, { ...(onProgress && { onProgress }), ...(signal && { signal }) });
  const kept = Array.from({ length: dataset.size - fitted }, (_, i) => fitted + i);
  const factor = calibrateFactor(await scoresOf(stages, head, dataset, kept));
  return buildNetwork(stages, {
    weights: head.weights.map((w) => w * factor),
    biases: head.biases.map((b) => b * factor),
  });
}

async function fitHead(
  stages: readonly Stage[],
  dataset: Dataset,
  count: number,
  { onProgress, signal }: RunOptions,
): Promise<Head> {
  const classes = dataset.classes?.length ?? 0;
  let equations: NormalEquations | undefined;
  let done = 0;
  for await (const batch of featuresOf(
    stages,
    dataset,
    Array.from({ length: count }, (_, i) => i),
  )) {
    signal?.throwIfAborted();
    equations ??= await NormalEquations.open(batch.length, classes);
    await equations.add(batch);
    done += batch.count;
    onProgress?.({ stage: 'collecting features', done, total: count });
  }
  onProgress?.({ stage: 'solving', done: 0 });
  return (await equations?.solve(LAMBDA)) ?? { weights: new Float32Array(0), biases: new Float32Array(classes) };
}

async function scoresOf(
  stages: readonly Stage[],
  head: Head,
  dataset: Dataset,
  indices: readonly number[],
): Promise<Scored[]> {
  const scored: Scored[] = [];
  const classes = head.biases.length;
  for await (const { count, length, values, labels } of featuresOf(stages, dataset, indices)) {
    for (let i = 0; i < count; i++) {
      const scores = Array.from(head.biases);
      for (let k = 0; k < length; k++) {
        const value = values[i * length + k]!;
        for (let c = 0; c < classes; c++) scores[c]! += value * head.weights[k * classes + c]!;
      }
      scored.push({ scores, label: labels[i]! });
    }
  }
  return scored;
}
