import { parentPort, workerData } from 'node:worker_threads';
import { WHOLE_FRAME } from '../../inference/image.ts';
import { createPreprocessor, inputLength } from '../../inference/preprocess.ts';
import { streetFrames } from './frames.ts';
import { PREPROCESSING } from './network.ts';
import type { Wanted } from './targets.ts';

/** What a thread is asked for: some scenes of those that are learned from. */
export interface StreetTask {
  readonly from: number;
  readonly to: number;
  readonly perScene: number;
}

/** Frames as the network takes them. */
export interface RenderedFrames {
  /** `[frames, 3, H, W]`, bytes: 194 kB a frame. */
  readonly planes: Uint8Array<ArrayBuffer>;
  readonly objects: readonly (readonly Wanted[])[];
}

const { from, to, perScene } = workerData as StreetTask;
const length = inputLength(PREPROCESSING);
const planes = new Uint8Array((to - from) * perScene * length);
const objects: (readonly Wanted[])[] = [];
const preprocess = createPreprocessor({ ...PREPROCESSING, mean: [0, 0, 0], std: [1 / 255, 1 / 255, 1 / 255] });
const values = new Float32Array(length);
for await (const frame of streetFrames({ part: 'learn', scenes: to - from, perScene, from })) {
  preprocess(frame.image, WHOLE_FRAME, values, 0);
  const offset = objects.length * length;
  for (let i = 0; i < length; i++) planes[offset + i] = values[i]! + 0.5;
  objects.push(frame.objects);
}
parentPort?.postMessage({ planes, objects } satisfies RenderedFrames, [planes.buffer]);
