import { countAccuracy } from '../../cli/count/accuracy.ts';
import type { HandCrossing } from '../../cli/count/hand-count.ts';
import type { Random } from '../../core/random.ts';
import { type Misses, MissWatch } from '../../daemon/audit/miss-watch.ts';
import { MotionCounter, type MotionCrossing } from '../../daemon/audit/motion-counter.ts';
import { classScheme } from '../../daemon/vision/class-scheme.ts';
import type { Crossing } from '../../daemon/vision/line-counter.ts';
import { Traffic } from '../../daemon/vision/traffic.ts';
import { ROAD_USERS } from '../../demo/detector/network.ts';
import { countingLines, sceneCrossings } from '../../demo/scene/crossings.ts';
import { createLens, HEIGHT, WIDTH } from '../../demo/scene/lens.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import type { TrueFrame } from './moving-street.ts';

/** A street, and what motion found on it. */
export interface AuditedStreet {
  readonly seed: number;
  readonly frames: readonly TrueFrame[];
  readonly found: readonly { readonly crossings: readonly MotionCrossing[]; readonly brightness: number }[];
  readonly truth: readonly HandCrossing[];
}

export interface Audit {
  readonly misses: Misses | null;
  readonly truth: number;
  readonly missed: number;
}

const ASPECT = WIDTH / HEIGHT;
/** Before the background is known motion finds nothing; and what passes last is not told yet. */
const [FIRST, LAST] = [5, 2];
/** Between two streets that are put one after the other. */
const APART = 60;
const LEAST_VISIBLE = 0.35;

export function auditedStreet(seed: number, frames: readonly TrueFrame[]): AuditedStreet {
  const lens = createLens(seed);
  const lines = countingLines(lens);
  const motion = new MotionCounter(lines, ASPECT);
  const found = frames.map(({ image, time }) => ({
    crossings: motion.update(image, time),
    brightness: motion.brightness,
  }));
  const end = frames.at(-1)?.time ?? 0;
  const truth = sceneCrossings(seed, lens, lines, { from: 0, to: end }).map((each): HandCrossing => {
    return { ...each, contested: each.t < FIRST || each.t > end - LAST, classAlternatives: [] };
  });
  return { seed, frames, found, truth };
}

/** Counts on streets by what a detector says of each frame, and audits it as a box does: all streets as one. */
export function auditOf(streets: readonly AuditedStreet[], detections: readonly (readonly Detection[][])[]): Audit {
  const watch = new MissWatch();
  const { scheme } = classScheme(ROAD_USERS);
  let [before, truth, missed] = [0, 0, 0];
  for (const [i, street] of streets.entries()) {
    const traffic = new Traffic({ lines: countingLines(createLens(street.seed)) }, scheme, ASPECT);
    const counted: Crossing[] = [];
    for (const [k, { time }] of street.frames.entries()) {
      const { crossings, objects } = traffic.update(detections[i]?.[k] ?? [], time);
      counted.push(...crossings);
      const { crossings: found, brightness } = street.found[k]!;
      watch.add(before + time, brightness, {
        counted: crossings.map((each) => ({
          ...each,
          time: before + each.time,
          class: scheme.classes[each.classIndex] ?? 'unknown',
        })),
        boxes: objects.map(({ box }) => box),
        found: found.map((each) => ({ ...each, time: before + each.time })),
      });
    }
    const seconds = street.frames.at(-1)?.time ?? 0;
    const accuracy = countAccuracy(counted, street.truth, { classes: scheme.classes, seconds });
    truth += accuracy.truth;
    missed += accuracy.missed;
    before += seconds + APART;
  }
  watch.end();
  return { misses: watch.misses(), truth, missed };
}

/** Sees everything that shows a third of itself, but for objects that it never sees: each is one with this chance, whatever it is. */
export function blindTo(share: number, frames: readonly TrueFrame[], random: Random): Detection[][] {
  const blind = new Map<string, boolean>();
  return frames.map(({ objects }) =>
    objects.flatMap(({ name, class: kind, box, visibility }) => {
      const isBlind = blind.get(name) ?? random.next() < share;
      blind.set(name, isBlind);
      const classIndex = ROAD_USERS.findIndex((name: string) => name === kind);
      return isBlind || classIndex < 0 || visibility < LEAST_VISIBLE ? [] : [{ box, classIndex, score: 0.9 }];
    }),
  );
}
