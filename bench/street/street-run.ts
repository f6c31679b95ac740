import { countAccuracy } from '../../cli/count/accuracy.ts';
import type { HandCrossing } from '../../cli/count/hand-count.ts';
import { seededRandom } from '../../core/random.ts';
import { classScheme } from '../../daemon/vision/class-scheme.ts';
import type { Crossing } from '../../daemon/vision/line-counter.ts';
import { Traffic } from '../../daemon/vision/traffic.ts';
import { PREPROCESSING, ROAD_USERS } from '../../demo/detector/network.ts';
import { reducer } from '../../demo/detector/reduced.ts';
import { countingLines, sceneCrossings } from '../../demo/scene/crossings.ts';
import { createLens, HEIGHT, WIDTH } from '../../demo/scene/lens.ts';
import { lightAt } from '../../demo/scene/light.ts';
import { createScene } from '../../demo/scene/scene.ts';
import { inWeather, type Weather } from '../../demo/scene/weather.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import type { Detector } from '../../inference/heads/detector.ts';
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

/** Frames a second. */
export const RATES = [5, 10, 15] as const;
type Rate = (typeof RATES)[number];
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

/** A street as it is looked at: nobody looks at one twice, so that what is told of one crossing says nothing of another. */
export interface LookedAtStreet {
  readonly seed: number;
  readonly condition: Condition;
  readonly rate: Rate;
  readonly seconds: number;
}

/** One street of each condition at each rate; those of another round are others. */
export const roundOf = (round: number, seconds: number): LookedAtStreet[] =>
  CONDITIONS.flatMap((condition) => {
    const seeds = seedsOf(condition, (round + 1) * RATES.length).slice(-RATES.length);
    return RATES.map((rate, i) => ({ seed: seeds[i]!, condition, rate, seconds }));
  });

export interface StreetResult {
  readonly rate: Rate;
  readonly seconds: number;
  readonly crossings: readonly Crossing[];
  readonly truth: readonly HandCrossing[];
  readonly classes: readonly string[];
  readonly accuracy: ReturnType<typeof countAccuracy>;
}

/** A frame a step: what was seen of it. */
type Look = (time: number) => Promise<readonly Detection[]> | readonly Detection[];

/**
 * Counts on one rendered street, beside the exact truth. Frames are reduced to the network's input before they are looked at: that comes
 * first in any detection and rounds to bytes, so that it makes no difference.
 */
export function countStreet(detector: Detector, street: LookedAtStreet): Promise<StreetResult> {
  const { seed, condition } = street;
  const scene = createScene(seed);
  const reduced = reducer(PREPROCESSING.size);
  return counted(street, async (time) => {
    const { image } = inWeather(scene.frame(time * scene.fps), WEATHER_OF[condition], seed);
    return (await detector.detect(reduced(image))).detections;
  });
}

/** Counts on one street as it would be seen by a detector with known errors, which needs no images. */
export function countByRule(street: Omit<LookedAtStreet, 'condition'>): Promise<StreetResult> {
  const lens = createLens(street.seed);
  const random = seededRandom(street.seed);
  return counted(street, (time) => ruledDetections(visibleOutlines(street.seed, lens, time), random));
}

async function counted({ seed, rate, seconds }: Omit<LookedAtStreet, 'condition'>, look: Look): Promise<StreetResult> {
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
  for (let i = 0; i < seconds * rate; i++) {
    const seen = traffic.update(await look(i / rate), i / rate);
    crossings.push(...seen.crossings);
    for (const { id, classIndex } of seen.objects) classes.set(id, classIndex);
  }
  const settled = crossings.map((each) => ({ ...each, classIndex: classes.get(each.track) ?? each.classIndex }));
  const accuracy = countAccuracy(settled, truth, { classes: scheme.classes, seconds });
  return { rate, seconds, crossings: settled, truth, classes: scheme.classes, accuracy };
}
