import { isFindingTask } from '../../inference/heads/any-head.ts';
import type { CameraConfig } from '../config/schema.ts';
import { MOST_PROPOSALS } from '../motion/crops.ts';
import type { ModelFacts } from '../probe/model.ts';
import { motionPlacesOf, regionsOf } from '../regions/regions.ts';

/** What is shown to the model of one frame, at least and at most. */
interface Shown {
  /** While nothing moves. */
  readonly still: number;
  /** While as much moves as is classified. */
  readonly moving: number;
}

/** A model that finds objects looks at every frame once; a classifier at regions, and at what moves. */
function shownOf(camera: CameraConfig, { task }: Pick<ModelFacts, 'task'>): Shown {
  if (isFindingTask(task)) return { still: 1, moving: 1 };
  const still = regionsOf(camera).length;
  return { still, moving: still + (motionPlacesOf(camera) === undefined ? 0 : MOST_PROPOSALS) };
}

/** Regions in one run cost less than as many runs: a line through what one took, and what a batch took. */
export function frameMs({ regionMs, batch }: Pick<ModelFacts, 'regionMs' | 'batch'>, shown: number): number {
  if (shown === 0) return 0;
  const more = batch === null ? regionMs : (batch.ms - regionMs) / (batch.regions - 1);
  return regionMs + (shown - 1) * Math.max(0, more);
}

/** Shares of a thread that the model takes for all cameras, while nothing moves and while all does. */
export function modelLoad(cameras: readonly CameraConfig[], model: ModelFacts): Shown {
  const load = (of: (shown: Shown) => number): number =>
    cameras.reduce((sum, camera) => sum + camera.rate * frameMs(model, of(shownOf(camera, model))), 0) / 1000;
  return { still: load(({ still }) => still), moving: load(({ moving }) => moving) };
}

/** The most that any frame shows to a classifier. */
export const mostShown = (cameras: readonly CameraConfig[]): number =>
  Math.max(...cameras.map((camera) => shownOf(camera, { task: 'classification' }).moving));
