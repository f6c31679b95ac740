import type { ImageSet, LoadedImages } from '../../compression/training/data/images.ts';
import type { RunOptions } from '../../core/progress.ts';
import { renderedParts } from '../rendered-parts.ts';
import type { RenderTask } from './render-worker.ts';
import type { SceneDatasetOptions } from './scene-dataset.ts';

interface RenderOptions extends RunOptions {
  readonly regions: SceneDatasetOptions;
  readonly threads: number;
}

/** The regions of all training scenes, scene by scene, rendered on several threads: the same whatever their number. */
export async function renderScenes({ regions, ...options }: RenderOptions): Promise<ImageSet> {
  const { scenes } = regions;
  const taskOf = (from: number, to: number): RenderTask => ({ regions, from, to });
  return joined(
    await renderedParts<RenderTask, LoadedImages>('demo/classifier/render-worker', taskOf, { scenes, ...options }),
  );
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
