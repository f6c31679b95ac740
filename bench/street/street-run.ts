import { countAccuracy } from '../../cli/count/accuracy.ts';
import type { HandCrossing } from '../../cli/count/hand-count.ts';
import { seededRandom } from '../../core/random.ts';
import { classScheme } from '../../daemon/vision/class-scheme.ts';
import type { Crossing } from '../../daemon/vision/line-counter.ts';
import { Traffic } from '../../daemon/vision/traffic.ts';
import { ROAD_USERS } from '../../demo/detector/network.ts';
import { countingLines, sceneCrossings } from '../../demo/scene/crossings.ts';
import { createLens, HEIGHT, WIDTH } from '../../demo/scene/lens.ts';
import { lightAt } from '../../demo/scene/light.ts';
import type { Weather } from '../../demo/scene/weather.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import type { Detector } from '../../inference/heads/detector.ts';
import { renderedFrames } from './rendered.ts';
import { ruledDetections, visibleOutlines } from './ruled-detections.ts';

/** What the streets are seen in: a weather, or the light of dusk. */
export const CONDITIONS = ['day', 'dusk', 'rain', 'snow', 'shake'] as const;
type Condition = (typeof CONDITIONS)[number];

export const WEATHER_OF = {
  day: 'clear',
  dusk: 'clear',
  rain: 'rain',
  snow: 'snow',
  shake: 'shake',
} as const satisfies Record<Condition, Weather>;

/** Frames a second that are rendered; the slower rates look at some of them. */
const RENDERED = 15;
/** Frames a second, with those of three rendered ones that each looks at. */
export const RATES = { 5: [0], 10: [0, 1], 15: [0, 1, 2] } as const;
export type Rate = keyof typeof RATES;
/** What passes so soon after the first frame, or before the last, cannot be told: contested. */
const EDGE_SECONDS = 2;
/** No seed that the network has learned from, was calibrated or measured on. */
const FIRST_SEED = 60_000;

/** Streets in the light of a condition. */
export function seedsOf(condition: Condition, count: number): number[] {
  const seeds: number[] = [];
  const from = FIRST_SEED + 1000 * CONDITIONS.indexOf(condition);
  for (let seed = from; seeds.length < count; seed++)
    if (lightAt(seed, 0).dusk === (condition === 'dusk')) seeds.push(seed);
  return seeds;
}

export interface StreetResult {
  readonly rate: Rate;
  readonly seconds: number;
  readonly crossings: readonly Crossing[];
  readonly truth: readonly HandCrossing[];
  readonly classes: readonly string[];
  readonly accuracy: ReturnType<typeof countAccuracy>;
}

interface LookedAt {
  readonly time: number;
  readonly detections: readonly Detection[];
}

/** Counts on one rendered street at every rate, beside the exact truth. */
export async function countStreet(
  detector: Detector,
  seed: number,
  condition: Condition,
  { seconds, ...asked }: { readonly seconds: number; readonly cache: string; readonly signal: AbortSignal },
): Promise<readonly StreetResult[]> {
  const times = Array.from({ length: seconds * RENDERED }, (_, i) => i / RENDERED);
  const frames: LookedAt[] = [];
  for await (const image of renderedFrames({ ...asked, seed, weather: WEATHER_OF[condition], times }))
    frames.push({ time: times[frames.length]!, detections: (await detector.detect(image)).detections });
  return ([5, 10, 15] as const).map((rate) => {
    const looked: readonly number[] = RATES[rate];
    const own = frames.filter((_, i) => looked.includes(i % 3));
    return counted(own, { seed, rate, seconds });
  });
}

/** Counts on one street as it would be seen at a rate by a detector with known errors, which needs no images. */
export function countByRule(seed: number, rate: Rate, seconds: number): StreetResult {
  const lens = createLens(seed);
  const random = seededRandom(seed);
  const frames = Array.from({ length: seconds * rate }, (_, i): LookedAt => {
    const time = i / rate;
    return { time, detections: ruledDetections(visibleOutlines(seed, lens, time), random) };
  });
  return counted(frames, { seed, rate, seconds });
}

function counted(
  frames: readonly LookedAt[],
  { seed, rate, seconds }: { readonly seed: number; readonly rate: Rate; readonly seconds: number },
): StreetResult {
  const lens = createLens(seed);
  const lines = countingLines(lens);
  const truth = sceneCrossings(seed, lens, lines, { from: 0, to: seconds }).map(
    (each): HandCrossing => ({
      ...each,
      contested: each.t < EDGE_SECONDS || each.t > seconds - EDGE_SECONDS,
      classAlternatives: [],
    }),
  );
  const { scheme } = classScheme(ROAD_USERS);
  const traffic = new Traffic({ lines }, scheme, WIDTH / HEIGHT);
  const crossings: Crossing[] = [];
  const classes = new Map<number, number>();
  for (const { time, detections } of frames) {
    const seen = traffic.update(detections, time);
    crossings.push(...seen.crossings);
    for (const { id, classIndex } of seen.objects) classes.set(id, classIndex);
  }
  const settled = crossings.map((each) => ({ ...each, classIndex: classes.get(each.track) ?? each.classIndex }));
  const accuracy = countAccuracy(settled, truth, { classes: scheme.classes, seconds });
  return { rate, seconds, crossings: settled, truth, classes: scheme.classes, accuracy };
}
