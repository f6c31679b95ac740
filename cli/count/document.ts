import type { Misses } from '../../daemon/audit/miss-watch.ts';
import type { TrafficEvent } from '../../daemon/counts/events.ts';
import { type Flow, FlowTally } from '../../daemon/counts/flow-tally.ts';
import { laneAt } from '../../daemon/counts/lanes.ts';
import { type ClassScheme, classScheme } from '../../daemon/vision/class-scheme.ts';
import { countIntervals } from '../../daemon/vision/intervals.ts';
import { beginningScores } from '../../daemon/vision/model-schemes.ts';
import type { OpenedModel } from '../../inference/package.ts';
import { type CountAccuracy, countAccuracy } from './accuracy.ts';
import type { CountConfig } from './config.ts';
import type { Counted } from './count-frames.ts';
import type { HandCrossing } from './hand-count.ts';

/** What one object did, as events of the daemon say it. */
interface EventDocument extends Omit<TrafficEvent, 'classIndex' | 'time'> {
  readonly class: string;
  /** s since the first frame. */
  readonly t: number;
}

/** What `wayside count --json` prints. */
export interface CountDocument {
  readonly video: string;
  /** From the first frame to the last that was looked at. */
  readonly seconds: number;
  readonly frames: number;
  readonly intervalSeconds: number;
  readonly classes: readonly string[];
  readonly intervals: ReturnType<typeof countIntervals>;
  readonly crossings: readonly {
    readonly line: string;
    readonly direction: string;
    readonly class: string;
    readonly track: number;
    /** s since the first frame. */
    readonly t: number;
  }[];
  /** Over all of it, by line, direction and lane, with speeds in m/s where the ground is calibrated. */
  readonly flows: readonly Flow[];
  readonly events: readonly EventDocument[];
  readonly warnings: readonly string[];
  /** Share of crossings that the detector misses, estimated without a hand count; null where `selfAudit` is off or nothing was found. */
  readonly missRate: Misses | null;
  /** Beside the hand count; null without one. */
  readonly accuracy: CountAccuracy | null;
}

/** Which classes are counted, with a warning for those that the model does not know. */
export function schemeFor(
  labels: readonly string[],
  asked: CountConfig['classes'],
  model: Pick<OpenedModel, 'package'>,
): { readonly scheme: ClassScheme; readonly warnings: readonly string[] } {
  const { scheme, unknown } = classScheme(labels, asked, beginningScores(model.package?.manifest ?? {}));
  return { scheme, warnings: unknown.map((name) => `the model knows no class ${JSON.stringify(name)}`) };
}

const milliseconds = (time: number): number => Math.round(time * 1000) / 1000;

export const eventDocument = (
  { classIndex, time, ...rest }: TrafficEvent,
  { classes }: ClassScheme,
): EventDocument => ({
  ...rest,
  class: classes[classIndex] ?? '',
  t: milliseconds(time),
});

interface CountedSource {
  /** As it was named. */
  readonly video: string;
  /** What of it was seen, where that is not all of it: of a live camera. */
  readonly live: boolean;
}

export function countDocument(
  { video, live }: CountedSource,
  { crossings, events, frames, seconds, seen, misses }: Counted,
  { intervalSeconds, lines }: CountConfig,
  scheme: ClassScheme,
  truth: readonly HandCrossing[] | undefined,
  warnings: readonly string[],
): CountDocument {
  const { classes } = scheme;
  const unknown = [...new Set(truth?.map((each) => each.class))].filter((name) => !classes.includes(name));
  const tally = new FlowTally(lines.map(({ id }) => id));
  for (const { line, direction, classIndex, speed, along, time } of crossings) {
    const lane = laneAt(lines.find(({ id }) => id === line)?.lanes ?? [], along);
    tally.add({ line, direction, lane, class: classes[classIndex] ?? '', speed }, time * 1000);
  }
  return {
    video,
    seconds,
    frames,
    intervalSeconds,
    classes,
    intervals: countIntervals(crossings, { classes, intervalSeconds, seconds, ...(live ? { seen } : {}) }),
    crossings: crossings.map(({ line, direction, classIndex, track, time }) => ({
      line,
      direction,
      class: classes[classIndex] ?? '',
      track,
      t: milliseconds(time),
    })),
    flows: tally.flows(),
    events: events.map((event) => eventDocument(event, scheme)),
    warnings: [
      ...warnings,
      ...unknown.map((name) => `the hand count has the class ${JSON.stringify(name)}, which is not counted`),
    ],
    missRate: misses,
    accuracy:
      truth === undefined
        ? null
        : countAccuracy(crossings, truth, { classes, seconds, segmentSeconds: intervalSeconds }),
  };
}
