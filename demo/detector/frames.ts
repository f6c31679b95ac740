import type { Dataset, Sample } from '../../calibration/dataset.ts';
import { digestOf } from '../../core/hash.ts';
import { recorded } from '../classifier/scene-dataset.ts';
import { chance, pick } from '../scene/chance.ts';
import { createScene } from '../scene/scene.ts';
import { inWeather, type Weather } from '../scene/weather.ts';
import { type Wanted, wantedOf } from './targets.ts';

/** Seeds of the scenes of each part, apart from each other and from those of the demonstration, which are below 1,000. */
const FIRST_SEED = { learn: 30_000, calibrate: 40_000, test: 50_000 } as const;

/** What a model is measured on. */
export const MEASURED = { part: 'test', scenes: 12, perScene: 16 } as const;

export interface StreetFrame extends Sample {
  readonly weather: Weather;
  readonly objects: readonly Wanted[];
}

interface FrameOptions {
  readonly part: keyof typeof FIRST_SEED;
  readonly scenes: number;
  readonly perScene: number;
  /** The first of these scenes. @default 0 */
  readonly from?: number;
}

/** A cycle of the lights later, another weather; after so many frames a scene repeats nothing of before. */
const FRAMES_OF_SCENE = 3000;

/** Rendered frames with their truth, in all weathers, half of them through an encoder: those of a part are always the same. */
export async function* streetFrames({ part, scenes, perScene, from = 0 }: FrameOptions): AsyncGenerator<StreetFrame> {
  for (let seed = FIRST_SEED[part] + from; seed < FIRST_SEED[part] + from + scenes; seed++) {
    const scene = createScene(seed);
    for (let i = 0; i < perScene; i++) {
      const random = chance(seed, 93, i);
      const weather = pick<Weather>(random, ['clear', 'clear', 'rain', 'rain', 'snow', 'snow', 'shake', 'night']);
      const frame = inWeather(scene.frame(random.below(FRAMES_OF_SCENE)), weather, seed);
      const encoded = random.next() < 0.5;
      const image = encoded ? await recorded(frame.image, 45 + random.below(51)) : frame.image;
      yield { id: `${seed}#${frame.index}`, label: 0, image, weather, objects: wantedOf(frame.objects) };
    }
  }
}

export async function collected(frames: AsyncIterable<StreetFrame>): Promise<StreetFrame[]> {
  const found: StreetFrame[] = [];
  for await (const frame of frames) found.push(frame);
  return found;
}

/** Frames as a set without labels, to calibrate on. */
export function unlabelled(frames: readonly Sample[]): Dataset {
  return {
    name: 'street',
    split: 'train',
    size: frames.length,
    classes: undefined,
    digest: async () => digestOf(frames.map(({ id, image }) => `${id} ${digestOf(image.data)}`).join('\n')),
    async *samples(indices) {
      if (indices === undefined) yield* frames;
      else for (const index of indices) yield frames[index]!;
    },
  };
}
