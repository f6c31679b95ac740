import type { RunContext } from '../../core/run/context.ts';
import { type Misses, MissWatch } from '../../daemon/audit/miss-watch.ts';
import { MotionCounter } from '../../daemon/audit/motion-counter.ts';
import { Coverage, type Span } from '../../daemon/counts/coverage.ts';
import { eventsOf, type TrafficEvent } from '../../daemon/counts/events.ts';
import type { ClassScheme } from '../../daemon/vision/class-scheme.ts';
import type { Crossing } from '../../daemon/vision/line-counter.ts';
import { Traffic, type TrafficFrame } from '../../daemon/vision/traffic.ts';
import type { Detector } from '../../inference/heads/detector.ts';
import type { RgbImage } from '../../inference/image.ts';
import type { CountConfig } from './config.ts';

/** A frame to look at. */
export interface TimedFrame {
  readonly image: RgbImage;
  /** Since the first frame, s. */
  readonly time: number;
  /** Whether it shows the street. @default true */
  readonly valid?: boolean;
}

export interface Counted {
  /** By time; the class is the one with most score over all that was seen of the object. */
  readonly crossings: readonly Crossing[];
  /** By time, their classes as well. */
  readonly events: readonly TrafficEvent[];
  /** Frames looked at. */
  readonly frames: number;
  /** From the first frame to the last that was looked at. */
  readonly seconds: number;
  /** What was seen of it, s. */
  readonly seen: readonly Span[];
  /** What of the crossings the detector misses, by what motion finds besides; null where that was not asked for, or nothing was found. */
  readonly misses: Misses | null;
  /** Frames whose times stepped back: left out. */
  readonly steppedBack: number;
}

export interface CountOptions {
  readonly plan: Pick<CountConfig, 'lines'> & Partial<Pick<CountConfig, 'zones' | 'movements' | 'calibration'>>;
  readonly scheme: ClassScheme;
  /** Follows what moves as well, to estimate what is missed. @default false */
  readonly selfAudit?: boolean | undefined;
  /** Told what happens, when it happens: the class is what is believed then. */
  readonly onEvent?: (event: TrafficEvent) => void;
}

/**
 * Counts what frames show: detector, tracker, lines, zones.
 *
 * @throws {WaysideError} what reading them throws; SESSION_RUN, MODEL_NOT_FINITE
 */
export async function countFrames(
  source: AsyncIterable<TimedFrame>,
  detector: Detector,
  { plan, scheme, selfAudit = false, onEvent = () => {} }: CountOptions,
  { onProgress }: Pick<RunContext, 'onProgress'>,
): Promise<Counted> {
  const crossings: Counted['crossings'][number][] = [];
  const events: TrafficEvent[] = [];
  const seen: Span[] = [];
  const classes = new Map<number, number>();
  const coverage = new Coverage();
  const misses = new MissWatch();
  let traffic: Traffic | undefined;
  let motion: MotionCounter | undefined;
  let [frames, last, steppedBack] = [0, Number.NEGATIVE_INFINITY, 0];
  const tell = (found: TrafficFrame): void => {
    crossings.push(...found.crossings);
    const happened = eventsOf(found, plan.lines);
    for (const event of happened) onEvent(event);
    events.push(...happened);
  };
  for await (const { image, time, valid = true } of source) {
    if (time <= last) {
      steppedBack++;
      continue;
    }
    last = time;
    traffic ??= new Traffic(plan, scheme, image.width / image.height);
    const span = coverage.frame(time * 1000, valid);
    if (span !== undefined) seen.push({ from: span.from / 1000, to: span.to / 1000 });
    const found = traffic.update((await detector.detect(image)).detections, time);
    if (selfAudit) {
      motion ??= new MotionCounter(plan.lines, image.width / image.height);
      const moving = motion.update(image, time);
      misses.add(time, motion.brightness, {
        counted: found.crossings.map((each) => ({ ...each, class: scheme.classes[each.classIndex] ?? '' })),
        boxes: found.objects.map(({ box }) => box),
        found: moving,
      });
    }
    tell(found);
    for (const { id, classIndex } of found.objects) classes.set(id, classIndex);
    frames++;
    onProgress({
      stage: 'counting',
      done: frames,
      detail: `${time.toFixed(1)} s of video, ${crossings.length} crossings`,
    });
  }
  if (traffic !== undefined) tell(traffic.end());
  misses.end();
  const settled = <T extends { readonly track: number; readonly classIndex: number; readonly time: number }>(
    all: readonly T[],
  ): T[] =>
    all
      .map((each) => ({ ...each, classIndex: classes.get(each.track) ?? each.classIndex }))
      .sort((a, b) => a.time - b.time);
  return {
    crossings: settled(crossings),
    events: settled(events),
    frames,
    seconds: Math.max(0, last),
    seen,
    misses: selfAudit ? misses.misses() : null,
    steppedBack,
  };
}
