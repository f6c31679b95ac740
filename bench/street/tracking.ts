import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { seededRandom } from '../../core/random.ts';
import { classScheme, countedDetections } from '../../daemon/vision/class-scheme.ts';
import { type TrackedObject, Tracker } from '../../daemon/vision/tracker.ts';
import { ROAD_USERS } from '../../demo/detector/network.ts';
import { createLens, HEIGHT, WIDTH } from '../../demo/scene/lens.ts';
import type { Box } from '../../inference/image.ts';
import { LEAST_VISIBLE, ruledDetections, visibleOutlines } from './ruled-detections.ts';

export const OURS = 'Wayside';

/** A street looked at, at a rate, as a sequence of the multiple object tracking challenge. */
export interface Sequence {
  readonly name: string;
  /** Frames a second. */
  readonly rate: number;
  readonly frames: number;
}

const row = (frame: number, id: number | undefined, [x, y, w, h]: Box, ...more: readonly number[]): string => {
  const box = [x * WIDTH, y * HEIGHT, w * WIDTH, h * HEIGHT].map((value) => value.toFixed(3));
  return [frame, ...(id === undefined ? [] : [id]), ...box, ...more].join();
};

/** Writes detections, truth (what is to be seen) and our tracks of a street for `bench/peers/street_tracking.py`. */
export async function writeSequence(folder: string, seed: number, rate: number, seconds: number): Promise<Sequence> {
  const [lens, random] = [createLens(seed), seededRandom(seed)];
  const { scheme } = classScheme(ROAD_USERS);
  const tracker = new Tracker({ aspect: WIDTH / HEIGHT });
  const ids = new Map<string, number>();
  const [detected, truth, tracks, believed]: [string[], string[], string[], string[]] = [[], [], [], []];
  for (let i = 0; i < seconds * rate; i++) {
    const outlines = visibleOutlines(seed, lens, i / rate);
    for (const { name, box } of outlines.filter(({ visible }) => visible >= LEAST_VISIBLE)) {
      const id = ids.get(name) ?? ids.size + 1;
      ids.set(name, id);
      truth.push(row(i + 1, id, box, 1, 1, 1));
    }
    const detections = ruledDetections(outlines, random);
    detected.push(...detections.map(({ box, score }) => row(i + 1, undefined, box, score)));
    const objects = tracker.update(countedDetections(detections, scheme), i / rate);
    const rowOf = ({ id, box }: TrackedObject): string => row(i + 1, id, box, 1, -1, -1, -1);
    tracks.push(...objects.map(rowOf));
    believed.push(...objects.filter(({ confirmed }) => confirmed).map(rowOf));
  }
  const name = `street-${seed}-${rate}`;
  const files: readonly (readonly [string, readonly string[]])[] = [
    [join('detections', `${name}.txt`), detected],
    [join('gt', name, 'gt', 'gt.txt'), truth],
    [join('tracks', OURS, 'data', `${name}.txt`), tracks],
    [join('tracks', `${OURS}, believed`, 'data', `${name}.txt`), believed],
  ];
  for (const [path, lines] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), lines.map((line) => `${line}\n`).join(''));
  }
  return { name, rate, frames: seconds * rate };
}
