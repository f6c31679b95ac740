import type { Box, RgbImage } from '../../inference/image.ts';
import { MotionWatch } from '../motion/motion-watch.ts';
import type { Point } from '../vision/geometry.ts';
import { type Crossing, type Line, LineCounter } from '../vision/line-counter.ts';
import { type SteadyObject, SteadyObjects } from '../vision/steady-objects.ts';
import { Tracker } from '../vision/tracker.ts';

/** Something that moved over a line, whatever it is. */
export interface MotionCrossing extends Pick<Crossing, 'line' | 'direction' | 'time' | 'along'> {
  /** Width and height in heights of the image: the median of its boxes. */
  readonly size: readonly [width: number, height: number];
  /** Frames in which it was followed before it was beyond the line. */
  readonly frames: number;
  /** Where it is beyond the line, in shares of the image. */
  readonly box: Box;
}

interface Followed {
  readonly widths: number[];
  readonly heights: number[];
  readonly begun: Point;
  last: Point;
  /** Of its ground point, step by step. */
  way: number;
  seenAt: number;
}

/** What was followed for fewer frames, or went less far than this share of its own size, may be anything. */
const LEAST_FRAMES = 5;
const LEAST_WAY = 0.6;
/** Of the way that its ground point went, what it came on by: boxes that join others and part from them jump to and fro. */
const STRAIGHT = 0.3;
/** A box that grew or shrank by more since it was first seen was others with it, or a part. */
const MOST_GROWTH = 4;
const KEPT_BOXES = 15;
const FORGOTTEN_SECONDS = 5;
/** What was away for longer begins its way anew. */
const MOST_ABSENT_SECONDS = 1;
/**
 * Pixels of the reduced image from frame to frame: where the image sways by more, what is still has moved. On validation streets 0.03 where the camera
 * stands still, 0.6 where it shakes, and there a quarter of what was found had not crossed.
 */
const MOST_SWAY = 0.25;

/** Counts by motion alone what crosses lines: a second way of seeing, that knows no classes and shares nothing with the model but the images. */
export class MotionCounter {
  /** What is false counts as missed. */
  readonly #motion = new MotionWatch({ careful: true });
  readonly #tracker: Tracker;
  readonly #steady: SteadyObjects;
  readonly #lines: LineCounter;
  readonly #followed = new Map<number, Followed>();

  /** @param aspect width of the image over its height */
  constructor(lines: readonly Line[], aspect: number) {
    this.#tracker = new Tracker({ aspect });
    this.#steady = new SteadyObjects(aspect);
    // At once: a moment later it may be with others, or gone.
    this.#lines = new LineCounter(lines, aspect, { settledSeconds: 0 });
  }

  /** Mean brightness of the street, 0 to 255. */
  get brightness(): number {
    return this.#motion.brightness;
  }

  /** @param time of the frame, s, above that of the frame before */
  update(image: RgbImage, time: number): MotionCrossing[] {
    const boxes = this.#motion.update(image, time).map(({ box }) => ({ box, classIndex: 0, score: 1 }));
    const objects = this.#steady.update(this.#tracker.update(boxes, time), time);
    for (const each of objects) this.#follow(each, time);
    for (const [object, { seenAt }] of this.#followed)
      if (time - seenAt > FORGOTTEN_SECONDS) this.#followed.delete(object);
    return this.#lines.update(objects, time).flatMap(({ object, line, direction, time: at, along }) => {
      const followed = this.#followed.get(object);
      const now = objects.find((each) => each.object === object);
      if (followed === undefined || now === undefined || this.#motion.sway > MOST_SWAY || !isClear(followed, now))
        return [];
      const { widths, heights } = followed;
      const size = [middleOf(widths), middleOf(heights)] as const;
      return [{ line, direction, time: at, along, size, frames: widths.length, box: now.box }];
    });
  }

  #follow({ object, scaled: [, , width, height], ground }: SteadyObject, time: number): void {
    const before = this.#followed.get(object);
    const known = (before !== undefined && time - before.seenAt <= MOST_ABSENT_SECONDS ? before : undefined) ?? {
      widths: [],
      heights: [],
      begun: ground,
      last: ground,
      way: 0,
      seenAt: time,
    };
    known.widths.push(width);
    known.heights.push(height);
    if (known.widths.length > KEPT_BOXES) {
      known.widths.shift();
      known.heights.shift();
    }
    known.way += Math.hypot(ground[0] - known.last[0], ground[1] - known.last[1]);
    known.last = ground;
    known.seenAt = time;
    this.#followed.set(object, known);
  }
}

function isClear({ widths, heights, begun, way }: Followed, { ground, size }: SteadyObject): boolean {
  if (widths.length < LEAST_FRAMES) return false;
  const area = middleOf(widths) * middleOf(heights);
  const growth = size ** 2 / area;
  if (growth > MOST_GROWTH || growth < 1 / MOST_GROWTH) return false;
  const net = Math.hypot(ground[0] - begun[0], ground[1] - begun[1]);
  return net >= LEAST_WAY * Math.sqrt(area) && net >= STRAIGHT * way;
}

const middleOf = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
