import type { EpochReport } from '../../compression/training/checkpoint.ts';
import type { ImageSet } from '../../compression/training/data/images.ts';
import { adamW } from '../../compression/training/optimizers/adamw.ts';
import { oneCycle } from '../../compression/training/optimizers/schedule.ts';
import { train } from '../../compression/training/train.ts';
import type { RunOptions } from '../../core/progress.ts';
import type { Model } from '../../onnx/graph.ts';
import { calibrated } from './calibrate.ts';
import { PREPROCESSING, streetNet } from './network.ts';
import { renderScenes } from './render.ts';

/** Regions of one scene resemble each other: more scenes teach more than more of each. */
const PER_SCENE = { framesPerScene: 16, cropsPerFrame: 8 };
const EPOCHS = 10;
const RATE = 0.003;
const WEIGHT_DECAY = 0.05;
/** A region moved by a pixel of 40 still shows what it showed; much further, its truth would change. */
const SHIFT = 1;

interface TrainingOptions extends RunOptions {
  readonly seed: number;
  readonly onEpoch?: (report: EpochReport) => void;
}

interface SceneTrainingOptions extends TrainingOptions {
  /** Scenes to learn from, and, of seeds after theirs, to choose the epoch by. */
  readonly scenes: { readonly learn: number; readonly validate: number };
  /** Threads to render on; the training has one, so that every machine with the same instructions comes to the same weights. */
  readonly threads: number;
}

/** Renders scenes and trains the classifier of their regions by gradients. */
export async function trainOnScenes(options: SceneTrainingOptions): Promise<Model> {
  const { scenes, threads, onProgress, signal } = options;
  const all = scenes.learn + scenes.validate;
  const images = await renderScenes({ regions: { scenes: all, ...PER_SCENE }, threads, onProgress, signal });
  return trainOn(images, (images.positions.length / all) * scenes.learn, options);
}

/** Trains on the first `learned` images, and chooses the epoch and the temperature by the others. */
async function trainOn(images: ImageSet, learned: number, options: TrainingOptions): Promise<Model> {
  const { seed, onProgress, signal, onEpoch } = options;
  const validation = { ...images, positions: images.positions.slice(learned) };
  const { model } = await train(streetNet(seed), {
    onProgress,
    signal,
    ...(onEpoch && { onEpoch }),
    images: { ...images, positions: images.positions.slice(0, learned) },
    validation,
    preprocessing: PREPROCESSING,
    epochs: EPOCHS,
    rate: RATE,
    optimizer: (parameters) => adamW(parameters, { weightDecay: WEIGHT_DECAY }),
    schedule: oneCycle(),
    augmentation: { shift: SHIFT, flip: true },
    seed,
    threads: 1,
  });
  return calibrated(model, validation);
}
