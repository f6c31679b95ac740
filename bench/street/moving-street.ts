import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../core/files.ts';
import { digestOf } from '../../core/hash.ts';
import { PREPROCESSING } from '../../demo/detector/network.ts';
import { reducer } from '../../demo/detector/reduced.ts';
import { paintBackdrop } from '../../demo/scene/backdrop.ts';
import { developFrame } from '../../demo/scene/develop.ts';
import { Layer } from '../../demo/scene/layer.ts';
import { createLens, HEIGHT, OVERSAMPLING, WIDTH } from '../../demo/scene/lens.ts';
import { lightAt } from '../../demo/scene/light.ts';
import { signalsAt } from '../../demo/scene/roadside.ts';
import { createScene } from '../../demo/scene/scene.ts';
import { FPS } from '../../demo/scene/street.ts';
import type { ObjectTruth, SceneFrame } from '../../demo/scene/types.ts';
import { inWeather, type Weather } from '../../demo/scene/weather.ts';
import type { RgbImage } from '../../inference/image.ts';

interface MovingStreet {
  readonly seed: number;
  readonly weather: Weather;
  readonly seconds: number;
  /** Frames a second. */
  readonly rate: number;
  /** Nobody is there: the street, its traffic lights, the light and the weather. */
  readonly empty?: boolean;
}

/** A frame of a street with what is true of it. */
export interface TrueFrame {
  /** s. */
  readonly time: number;
  readonly image: RgbImage;
  readonly objects: readonly ObjectTruth[];
}

const [ROWS, COLUMNS] = PREPROCESSING.size;
const BYTES = ROWS * COLUMNS * 3;

/** Frames of a street at the size of the street detector's input, with their truth. They are kept: another street has another name. */
export async function* movingStreet(
  { seed, weather, seconds, rate, empty = false }: MovingStreet,
  { cache, signal }: { readonly cache: string; readonly signal: AbortSignal },
): AsyncGenerator<TrueFrame> {
  const render = empty ? emptyStreet(seed) : createScene(seed).frame;
  const frameAt = (time: number): SceneFrame => inWeather(render(time * FPS), weather, seed);
  const frames = seconds * rate;
  const folder = join(cache, 'moving-street');
  const probe = digestOf([seconds, rate, digestOf(frameAt((frames - 1) / rate).image.data)].join(' ')).slice(-16);
  const path = join(folder, `${weather}-${empty ? 'empty-' : ''}${seed}-${probe}`);
  if (!existsSync(`${path}.json`)) {
    await mkdir(folder, { recursive: true });
    const reduced = reducer(PREPROCESSING.size);
    const all = new Uint8Array(frames * BYTES);
    const truth: (readonly ObjectTruth[])[] = [];
    for (let i = 0; i < frames; i++) {
      signal.throwIfAborted();
      const { image, objects } = frameAt(i / rate);
      all.set(reduced(image).data, i * BYTES);
      truth.push(objects);
    }
    await writeFileAtomic(`${path}.rgb`, all);
    await writeFileAtomic(`${path}.json`, JSON.stringify(truth));
  }
  const all = await readFile(`${path}.rgb`);
  const truth = JSON.parse(await readFile(`${path}.json`, 'utf8')) as readonly (readonly ObjectTruth[])[];
  for (const [i, objects] of truth.entries()) {
    const image = { width: COLUMNS, height: ROWS, data: all.subarray(i * BYTES, (i + 1) * BYTES) };
    yield { time: i / rate, image, objects };
  }
}

function emptyStreet(seed: number): (index: number) => SceneFrame {
  const lens = createLens(seed);
  const backdrop = paintBackdrop(seed, lens);
  const layer = new Layer(WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING);
  return (index) => {
    const t = index / FPS;
    const light = lightAt(seed, t);
    layer.clear(backdrop.nearness);
    for (const [i, thing] of signalsAt(t).entries()) {
      layer.castShadow(thing, lens, light);
      layer.draw(thing, i + 1, lens, light);
    }
    return { index, image: developFrame(seed, index, backdrop, layer, light), objects: [] };
  };
}
