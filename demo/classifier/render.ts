import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ImageSet, LoadedImages } from '../../compression/training/data/images.ts';
import { compiledModule } from '../../core/layout.ts';
import type { RunOptions } from '../../core/progress.ts';
import type { RenderTask } from './render-worker.ts';
import type { SceneDatasetOptions } from './scene-dataset.ts';

/** Scenes a thread renders in one go. */
const AT_ONCE = 10;

interface RenderOptions extends RunOptions {
  readonly regions: SceneDatasetOptions;
  readonly threads: number;
}

/** The regions of all training scenes, scene by scene, rendered on several threads: the same whatever their number. */
export async function renderScenes({ regions, threads, onProgress, signal }: RenderOptions): Promise<ImageSet> {
  const { scenes } = regions;
  const parts = Array.from({ length: Math.ceil(scenes / AT_ONCE) }, (): LoadedImages | undefined => undefined);
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    while (next < parts.length) {
      signal?.throwIfAborted();
      const part = next++;
      const from = part * AT_ONCE;
      parts[part] = await rendered({ regions, from, to: Math.min(scenes, from + AT_ONCE) });
      done = Math.min(scenes, done + AT_ONCE);
      onProgress?.({ stage: 'rendering scenes', done, total: scenes });
    }
  };
  await Promise.all(Array.from({ length: threads }, work));
  return joined(parts.filter((part) => part !== undefined));
}

async function rendered(task: RenderTask): Promise<LoadedImages> {
  const worker = new Worker(compiledModule('demo/classifier/render-worker'), { workerData: task });
  const [images] = (await once(worker, 'message')) as [LoadedImages];
  await worker.terminate();
  return images;
}

function joined(parts: readonly LoadedImages[]): ImageSet {
  const sum = (lengthOf: (part: LoadedImages) => number): number =>
    parts.reduce((total, part) => total + lengthOf(part), 0);
  const planes = new SharedArrayBuffer(sum((part) => part.planes.byteLength));
  const labels = new SharedArrayBuffer(sum((part) => part.labels.byteLength));
  let plane = 0;
  let label = 0;
  for (const part of parts) {
    new Uint8Array(planes).set(new Uint8Array(part.planes), plane);
    new Uint8Array(labels).set(new Uint8Array(part.labels), label);
    plane += part.planes.byteLength;
    label += part.labels.byteLength;
  }
  const [first] = parts;
  const count = label / Int32Array.BYTES_PER_ELEMENT;
  return {
    size: first?.size ?? [0, 0],
    classes: first?.classes ?? 0,
    planes,
    labels,
    positions: Array.from({ length: count }, (_, i) => i),
  };
}
