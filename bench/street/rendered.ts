import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../core/files.ts';
import { digestOf } from '../../core/hash.ts';
import { PREPROCESSING } from '../../demo/detector/network.ts';
import { reducer } from '../../demo/detector/reduced.ts';
import { createScene } from '../../demo/scene/scene.ts';
import { inWeather, type Weather } from '../../demo/scene/weather.ts';
import type { RgbImage } from '../../inference/image.ts';

interface RenderedStreet {
  readonly seed: number;
  readonly weather: Weather;
  /** Times of the frames, s. */
  readonly times: readonly number[];
  readonly cache: string;
  readonly signal: AbortSignal;
}

const [HEIGHT, WIDTH] = PREPROCESSING.size;
const BYTES = HEIGHT * WIDTH * 3;

/**
 * Frames of a street at the size of the network's input: reducing them there comes first in any detection and rounds to bytes, so that it
 * makes no difference. They are kept: rendering takes five times what is done with them. Another street has another name.
 */
export async function* renderedFrames({
  seed,
  weather,
  times,
  cache,
  signal,
}: RenderedStreet): AsyncGenerator<RgbImage> {
  const scene = createScene(seed);
  const frameAt = (time: number): RgbImage => inWeather(scene.frame(time * scene.fps), weather, seed).image;
  const reduced = reducer(PREPROCESSING.size);
  const folder = join(cache, 'street');
  const probe = digestOf([times.join(), digestOf(frameAt(times.at(-1) ?? 0).data)].join(' ')).slice(-16);
  const path = join(folder, `${weather}-${seed}-${WIDTH}x${HEIGHT}-${probe}.rgb`);
  if (!existsSync(path)) {
    await mkdir(folder, { recursive: true });
    const all = new Uint8Array(times.length * BYTES);
    for (const [i, time] of times.entries()) {
      signal.throwIfAborted();
      all.set(reduced(frameAt(time)).data, i * BYTES);
    }
    await writeFileAtomic(path, all);
  }
  const all = await readFile(path);
  for (let i = 0; i < times.length; i++)
    yield { width: WIDTH, height: HEIGHT, data: all.subarray(i * BYTES, (i + 1) * BYTES) };
}
