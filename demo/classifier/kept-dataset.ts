import type { Dataset } from '../../calibration/dataset.ts';
import type { SceneDataset, SceneSample } from './scene-dataset.ts';

/** A data set that stays in memory: rendered once, looked at by every stage of a compression. */
export interface KeptDataset extends Dataset {
  samples(indices?: readonly number[]): AsyncIterable<SceneSample>;
}

/** Renders the first `scenes` scenes of a set and keeps them. */
export async function kept(dataset: SceneDataset): Promise<KeptDataset> {
  const all: SceneSample[] = [];
  for await (const sample of dataset.samples()) all.push(sample);
  const { name, split, size, classes } = dataset;
  return {
    name,
    split,
    size,
    classes,
    digest: () => dataset.digest(),
    async *samples(indices) {
      if (indices === undefined) yield* all;
      else for (const index of indices) yield all[index]!;
    },
  };
}
