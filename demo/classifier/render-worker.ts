import { parentPort, workerData } from 'node:worker_threads';
import { loadImages } from '../../compression/training/data/images.ts';
import { PREPROCESSING } from './network.ts';
import { SceneDataset, type SceneDatasetOptions } from './scene-dataset.ts';

/** What a thread is asked for: some scenes of the training part. */
export interface RenderTask {
  readonly regions: SceneDatasetOptions;
  readonly from: number;
  readonly to: number;
}

/** A worker thread that renders scenes and gives their regions as the network takes them. */
const { regions, from, to } = workerData as RenderTask;
const dataset = new SceneDataset('train', regions);
const indices = Array.from({ length: (to - from) * dataset.perScene }, (_, i) => from * dataset.perScene + i);
parentPort?.postMessage(await loadImages(dataset, PREPROCESSING, { indices }));
