import { intersectionOverUnion } from '../../inference/heads/detection.ts';
import type { Box } from '../../inference/image.ts';
import type { Point } from './geometry.ts';
import { counter } from './numbering.ts';
import type { TrackedObject } from './tracker.ts';

/** An object that outlives the ids of the tracker. Distances are in heights of the image. */
export interface SteadyObject extends TrackedObject {
  /** The same for as long as it is the same object; counted from 1. */
  readonly object: number;
  /** `box` with both axes in heights. */
  readonly scaled: Box;
  /** Middle of the lower edge, both axes in heights. */
  readonly ground: Point;
  /** sqrt(width * height). */
  readonly size: number;
  /** Of the centre, a second; smoothed. */
  readonly velocity: Point;
  /** It hardly moves. */
  readonly standing: boolean;
}

interface Known {
  readonly object: number;
  track: number;
  box: Box;
  seenAt: number;
  velocity: Point;
  confirmed: boolean;
}

/** A new id takes over from an object that was lost here: for so long where it moved, */
const MOVING_SECONDS = 2;
/** and for so long where it stood: a red light lasts no longer. */
export const STANDING_SECONDS = 180;
const SAME_PLACE = 0.3;
/** Sizes a second. */
const STANDING_SPEED = 0.15;
/** Over which a velocity is smoothed, s. */
const VELOCITY_SECONDS = 0.5;

/**
 * Objects that outlive ids: where a tracker loses an object and finds it under another id, on the same place or where it was heading,
 * it is the same object. A vehicle that waits on a line while its id flickers is one.
 */
export class SteadyObjects {
  readonly #aspect: number;
  readonly #known = new Map<number, Known>();
  readonly #next: () => number;

  /**
   * @param aspect width of the image over its height
   * @param next numbers objects; from 1 on by default
   */
  constructor(aspect: number, next = counter()) {
    this.#aspect = aspect;
    this.#next = next;
  }

  /** @param objects all that are seen in this frame */
  update(objects: readonly TrackedObject[], time: number): SteadyObject[] {
    const seen = new Set(objects.map(({ id }) => id));
    const steady = objects.map((each): SteadyObject => {
      const [x, y, w, h] = each.box;
      const scaled: Box = [x * this.#aspect, y, w * this.#aspect, h];
      const known =
        this.#known.get(each.id) ?? this.#takeOver(each.id, scaled, time, seen) ?? this.#begin(each.id, scaled, time);
      this.#move(known, scaled, time);
      known.confirmed ||= each.confirmed;
      const { object, velocity, confirmed } = known;
      const size = sizeOf(scaled);
      const standing = isStanding(known);
      return { ...each, object, scaled, ground: groundOf(scaled), size, velocity, standing, confirmed };
    });
    for (const [id, { seenAt }] of this.#known) if (time - seenAt > STANDING_SECONDS) this.#known.delete(id);
    return steady;
  }

  #begin(track: number, box: Box, time: number): Known {
    const known: Known = { object: this.#next(), track, box, seenAt: time, velocity: [0, 0], confirmed: false };
    this.#known.set(track, known);
    return known;
  }

  /** The object that was lost where a new id appears. */
  #takeOver(track: number, box: Box, time: number, seen: ReadonlySet<number>): Known | undefined {
    let [best, most] = [undefined as Known | undefined, SAME_PLACE];
    for (const [id, known] of this.#known) {
      const absent = time - known.seenAt;
      const standing = isStanding(known);
      if (seen.has(id) || absent <= 0 || absent > (standing ? STANDING_SECONDS : MOVING_SECONDS)) continue;
      const [x, y, w, h] = known.box;
      const moved: Box = standing ? known.box : [x + known.velocity[0] * absent, y + known.velocity[1] * absent, w, h];
      const overlap = intersectionOverUnion(moved, box);
      if (overlap >= most) [best, most] = [known, overlap];
    }
    if (best === undefined) return undefined;
    this.#known.delete(best.track);
    best.track = track;
    this.#known.set(track, best);
    return best;
  }

  #move(known: Known, box: Box, time: number): void {
    const elapsed = time - known.seenAt;
    if (elapsed > 0) {
      const share = Math.min(1, elapsed / VELOCITY_SECONDS);
      const towards = (k: 0 | 1): number => {
        const now = (box[k] + box[k + 2]! / 2 - known.box[k] - known.box[k + 2]! / 2) / elapsed;
        return known.velocity[k] + share * (now - known.velocity[k]);
      };
      known.velocity = [towards(0), towards(1)];
    }
    known.box = box;
    known.seenAt = time;
  }
}

const groundOf = ([x, y, w, h]: Box): Point => [x + w / 2, y + h];
const sizeOf = ([, , w, h]: Box): number => Math.sqrt(w * h);
const isStanding = ({ velocity, box }: Known): boolean => Math.hypot(...velocity) < STANDING_SPEED * sizeOf(box);
