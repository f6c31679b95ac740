import type { Log } from '../../core/log.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import type { Frame } from '../camera/types.ts';
import type { CameraEntry } from '../cameras.ts';
import type { PendingFrame } from '../detections.ts';
import type { Ready, Result } from '../inference/protocol.ts';
import { isIn } from '../regions/regions.ts';
import { timeOf } from '../vision/cameras-traffic.ts';
import { type Crop, cropsOf, MOST_PROPOSALS } from './crops.ts';
import { MotionWatch } from './motion-watch.ts';

/** What is over is said so often at most, ms. */
const SAID_EVERY_MS = 60_000;

interface Watched {
  readonly motion: MotionWatch;
  lastTime: number;
}

/** What moves before each camera whose configuration has it classified. */
export class CameraProposals {
  readonly #log: Log;
  readonly #watched = new Map<string, Watched>();
  #said = Number.NEGATIVE_INFINITY;

  constructor(log: Log) {
    this.#log = log;
  }

  /** @returns undefined where nothing is to be proposed: not asked for, or the model finds objects by itself */
  of({ id, motionPlaces }: CameraEntry, frame: Frame, { task }: Pick<Ready, 'task'>): Crop[] | undefined {
    if (motionPlaces === undefined || task !== 'classification') return undefined;
    const watched = this.#watched.get(id) ?? { motion: new MotionWatch(), lastTime: Number.NEGATIVE_INFINITY };
    this.#watched.set(id, watched);
    const time = timeOf(frame);
    if (time <= watched.lastTime) return [];
    watched.lastTime = time;
    const proposals = watched.motion
      .update(frame, time)
      .filter(({ box: [x, y, w, h] }) => motionPlaces.some((place) => isIn(place, [x + w / 2, y + h / 2])));
    const largest = proposals.toSorted((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3]);
    const over = largest.length - MOST_PROPOSALS;
    if (over > 0 && performance.now() - this.#said >= SAID_EVERY_MS) {
      this.#said = performance.now();
      this.#log.warn({ camera: id, over }, `more moves than ${MOST_PROPOSALS} things: the smallest are not classified`);
    }
    return cropsOf(largest.slice(0, MOST_PROPOSALS), frame.width / frame.height);
  }

  /** Forgets all other cameras. */
  keep(cameras: ReadonlySet<string>): void {
    for (const camera of this.#watched.keys()) if (!cameras.has(camera)) this.#watched.delete(camera);
  }
}

/** What a classifier said of what moves, as a detector says it: undefined where nothing was proposed to it. */
export function classifiedProposals(
  { regions, proposals }: Pick<PendingFrame, 'regions' | 'proposals'>,
  result: Pick<Result, 'regions'>,
): Detection[] | undefined {
  return proposals?.flatMap(({ box }, i) => {
    const best = result.regions[regions.length + i]?.[0];
    return best === undefined ? [] : [{ box, classIndex: best.index, score: best.score }];
  });
}
