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
  /** Where it has been since then, but for a part of its size. */
  place: Point;
  placeSince: number;
  confirmed: boolean;
}

/** A new id takes over from an object that was lost here: for so long where it moved, */
const MOVING_SECONDS = 2;
/** and for so long where it stood: a red light lasts no longer. */
export const STANDING_SECONDS = 180;
const SAME_PLACE = 0.3;
/** Of its speed when it was lost: what starts at a light behind a bus comes out of it at twice that. */
const PACES = [1, 1.5, 2];
/** It stands when it has not moved by this share of its size for so long: for a moment that is true of what leaves the image as well. */
const STOOD_SIZES = 0.25;
const STOOD_SECONDS = 1;
/** Share of a box within which its side is at the edge of the image. */
const AT_EDGE = 0.06;
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
  #forgetAt = Number.NEGATIVE_INFINITY;

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
    this.#forget(time);
    return steady;
  }

  /** Once a second: there are hundreds that are long gone. */
  #forget(time: number): void {
    if (time < this.#forgetAt) return;
    this.#forgetAt = time + 1;
    for (const [id, { seenAt }] of this.#known) if (time - seenAt > STANDING_SECONDS) this.#known.delete(id);
  }

  #begin(track: number, box: Box, time: number): Known {
    const known: Known = {
      object: this.#next(),
      track,
      box,
      seenAt: time,
      velocity: [0, 0],
      place: centreOf(box),
      placeSince: time,
      confirmed: false,
    };
    this.#known.set(track, known);
    return known;
  }

  /** The object that was lost where a new id appears. */
  #takeOver(track: number, box: Box, time: number, seen: ReadonlySet<number>): Known | undefined {
    let [best, most] = [undefined as Known | undefined, SAME_PLACE];
    for (const [id, known] of this.#known) {
      const absent = time - known.seenAt;
      const standing = stood(known);
      if (seen.has(id) || absent <= 0 || absent > this.#kept(known)) continue;
      const [x, y, w, h] = known.box;
      const [across, along] = [known.velocity[0] * absent, known.velocity[1] * absent];
      for (const pace of standing ? [0] : PACES) {
        const overlap = intersectionOverUnion([x + pace * across, y + pace * along, w, h], box);
        if (overlap >= most) [best, most] = [known, overlap];
      }
    }
    if (best === undefined) return undefined;
    this.#known.delete(best.track);
    best.track = track;
    this.#known.set(track, best);
    return best;
  }

  /** For how long it may come back under another id, s. What moved at the edge of the image has left it. */
  #kept(known: Known): number {
    if (known.confirmed && stood(known)) return STANDING_SECONDS;
    const [x, y, w, h] = known.box;
    const [across, along] = [AT_EDGE * w, AT_EDGE * h];
    const atEdge = x < across || y < along || x + w > this.#aspect - across || y + h > 1 - along;
    return atEdge ? 0 : MOVING_SECONDS;
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
    const centre = centreOf(box);
    const [x, y] = [centre[0] - known.place[0], centre[1] - known.place[1]];
    if (Math.hypot(x, y) <= STOOD_SIZES * sizeOf(box)) {
      // Drawn to where it stands: at the brink of the place where it came to rest a trembling box would be leaving it for ever.
      const share = Math.min(1, elapsed / STOOD_SECONDS);
      known.place = [known.place[0] + share * x, known.place[1] + share * y];
      return;
    }
    known.place = centre;
    known.placeSince = time;
  }
}

const groundOf = ([x, y, w, h]: Box): Point => [x + w / 2, y + h];
const centreOf = ([x, y, w, h]: Box): Point => [x + w / 2, y + h / 2];
const stood = ({ placeSince, seenAt }: Known): boolean => seenAt - placeSince >= STOOD_SECONDS;
const sizeOf = ([, , w, h]: Box): number => Math.sqrt(w * h);
const isStanding = ({ velocity, box }: Known): boolean => Math.hypot(...velocity) < STANDING_SPEED * sizeOf(box);
