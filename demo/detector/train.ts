import { availableParallelism } from 'node:os';
import { gridLoss } from '../../compression/autodiff/losses/grid.ts';
import { draw, normalizationTables, place } from '../../compression/training/data/augment.ts';
import { adamW } from '../../compression/training/optimizers/adamw.ts';
import { oneCycle } from '../../compression/training/optimizers/schedule.ts';
import { trainOnBatches } from '../../compression/training/train-on-batches.ts';
import type { RunOptions } from '../../core/progress.ts';
import { inputLength } from '../../inference/preprocess.ts';
import type { Model } from '../../onnx/graph.ts';
import { renderedParts } from '../rendered-parts.ts';
import { chance } from '../scene/chance.ts';
import { gridNet, PREPROCESSING, SCORES, withLoweredScores } from './network.ts';
import type { RenderedFrames, StreetTask } from './render-worker.ts';
import { TARGET_LENGTH, writeTargets } from './targets.ts';

/** Two halves of a batch learn beside each other where there are two processors or more. */
const BATCH = 32;
const RATE = 0.005;
const WEIGHT_DECAY = 0.01;
/** An error of 1 is one of four tenths in the logarithm of a size. */
const SIZE_WEIGHT = 0.1;
/** Seen in an image, about. */
const OBJECTS = 8;

/**
 * Pixels of the input, either way: the stride of the last map, so that an object is learned at every place beside its cell. Nothing
 * is mirrored: traffic never drives on the left here, and half of what was learned was of a street that is never seen.
 */
const SHIFT = 4;

/**
 * What the detector of the demonstration is trained with. Frames of a scene resemble each other, so there are many scenes: in a trial, 160
 * of them and a quarter of the looks cost 1.3 points of mean average precision. 25,600 frames take 5 GB of memory.
 */
export const STREET_TRAINING = { seed: 1, scenes: 1600, perScene: 16, epochs: 10 } as const;

interface DetectorTrainingOptions extends RunOptions {
  readonly seed: number;
  readonly scenes: number;
  readonly perScene: number;
  readonly epochs: number;
  /** @default the processors */
  readonly threads?: number;
}

/** Renders streets and trains the grid network on their exact truth. */
export async function trainDetector(options: DetectorTrainingOptions): Promise<Model> {
  const { seed, scenes, perScene, epochs, threads = availableParallelism(), onProgress, signal } = options;
  const parts = await renderedParts<StreetTask, RenderedFrames>(
    'demo/detector/render-worker',
    (from, to) => ({ from, to, perScene }),
    { scenes, threads, onProgress, signal },
  );
  const trained = await trainOnBatches(gridNet(seed), {
    loss: gridLoss({ scores: SCORES, sizeWeight: SIZE_WEIGHT, objects: OBJECTS }),
    batch: BATCH,
    steps: Math.floor((epochs * scenes * perScene) / BATCH),
    batchAt: batches(parts, seed),
    rate: RATE,
    optimizer: (parameters) => adamW(parameters, { weightDecay: WEIGHT_DECAY }),
    schedule: oneCycle(),
    threads,
    onProgress,
    signal,
  });
  return withLoweredScores(trained);
}

/** Every batch of frames drawn at random, each a little shifted: a function of seed and step. */
function batches(parts: readonly RenderedFrames[], seed: number) {
  const tables = normalizationTables(PREPROCESSING);
  const [height, width] = PREPROCESSING.size;
  const length = inputLength(PREPROCESSING);
  const frames = parts.flatMap(({ planes, objects }) => objects.map((wanted, at) => ({ planes, at, wanted })));
  return (step: number): { readonly data: Float32Array; readonly targets: Float32Array } => {
    const random = chance(seed, 94, step);
    const data = new Float32Array(BATCH * length);
    const targets = new Float32Array(BATCH * TARGET_LENGTH);
    for (let i = 0; i < BATCH; i++) {
      const { planes, at, wanted } = frames[random.below(frames.length)]!;
      const drawn = draw(random, { shift: SHIFT, flip: false }, height, width);
      place(planes, at, PREPROCESSING.size, tables, drawn, data, i * length);
      // What was at x + dx is at x.
      writeTargets(wanted, [-drawn.dx / width, -drawn.dy / height], targets, i * TARGET_LENGTH);
    }
    return { data, targets };
  };
}
