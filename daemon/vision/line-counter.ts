import { intersectionOverUnion } from '../../inference/heads/detection.ts';
import type { Box } from '../../inference/image.ts';
import type { TrackedObject } from './tracker.ts';

/** A place in shares of the image, from the top left. */
type Point = readonly [x: number, y: number];

export interface Line {
  readonly id: string;
  readonly from: Point;
  readonly to: Point;
}

/** `forward`: from the left-hand side to the right-hand side of the line, as seen on the image when looking from `from` to `to`. */
export type Direction = 'forward' | 'backward';

export interface Crossing {
  readonly line: string;
  readonly direction: Direction;
  /** Of the id that the tracker gave it last. */
  readonly track: number;
  /** When its ground point passed the line, s. */
  readonly time: number;
  readonly classIndex: number;
}

/** An object has crossed when it is beyond the line by this share of its size: what trembles on the line does not. */
const MARGIN = 0.1;
/** Less than this share of the margin is no side at all. */
const UNDECIDED = 0.25;
/** A new id takes over from an object that was lost here: for so long where it moved, */
const MOVING_SECONDS = 2;
/** and for so long where it stood: a red light lasts no longer. */
const STANDING_SECONDS = 180;
const SAME_PLACE = 0.3;
/** Sizes a second. */
const STANDING_SPEED = 0.15;

interface LineState {
  /** Side on which it last was for certain: -1 left, 1 right, 0 not known. */
  side: number;
  /** Of the last point that was not on the line itself: signed distance, place along the line, time. */
  distance: number;
  along: number;
  at: number;
  /** Where the line was passed last. */
  passed: { readonly time: number; readonly along: number } | undefined;
  readonly counted: Set<Direction>;
}

interface Known {
  track: number;
  box: Box;
  seenAt: number;
  /** Of the box's centre, a second; smoothed. */
  velocity: Point;
  confirmed: boolean;
  readonly lines: readonly LineState[];
  /** Counted as soon as the object is believed. */
  readonly pending: Crossing[];
}

/**
 * Counts objects whose ground point, the middle of the box's lower edge, passes a line: once for each object, line and direction.
 *
 * Objects outlive ids: where a tracker loses an object and finds it under another id, on the same place or where it was heading, it is
 * the same object, with what was counted of it. A vehicle that waits on the line while its id flickers is one.
 */
export class LineCounter {
  readonly #lines: readonly Line[];
  readonly #aspect: number;
  #known = new Map<number, Known>();

  /** @param aspect width of the image over its height: distances are in heights */
  constructor(lines: readonly Line[], aspect: number) {
    this.#aspect = aspect;
    this.#lines = lines.map((line) => ({
      ...line,
      from: [line.from[0] * aspect, line.from[1]],
      to: [line.to[0] * aspect, line.to[1]],
    }));
  }

  /** @param objects all that are seen in this frame */
  update(objects: readonly TrackedObject[], time: number): Crossing[] {
    const seen = new Set(objects.map(({ id }) => id));
    const crossings: Crossing[] = [];
    for (const object of objects) {
      const [x, y, w, h] = object.box;
      const box: Box = [x * this.#aspect, y, w * this.#aspect, h];
      const known =
        this.#known.get(object.id) ?? this.#takeOver(object.id, box, time, seen) ?? this.#begin(object.id, box, time);
      crossings.push(...this.#move(known, object, box, time));
    }
    for (const [id, { seenAt }] of this.#known) if (time - seenAt > STANDING_SECONDS) this.#known.delete(id);
    return crossings;
  }

  #begin(track: number, box: Box, time: number): Known {
    const lines = this.#lines.map((line): LineState => {
      const { distance, along } = placeAt(line, ground(box));
      const margin = MARGIN * sizeOf(box);
      const side = Math.abs(distance) >= UNDECIDED * margin ? Math.sign(distance) : 0;
      return { side, distance, along, at: time, passed: undefined, counted: new Set() };
    });
    const known: Known = { track, box, seenAt: time, velocity: [0, 0], confirmed: false, lines, pending: [] };
    this.#known.set(track, known);
    return known;
  }

  /** The object that was lost where a new id appears. */
  #takeOver(track: number, box: Box, time: number, seen: ReadonlySet<number>): Known | undefined {
    let [best, most] = [undefined as Known | undefined, SAME_PLACE];
    for (const [id, known] of this.#known) {
      const absent = time - known.seenAt;
      const standing = Math.hypot(...known.velocity) < STANDING_SPEED * sizeOf(known.box);
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

  #move(known: Known, { id, classIndex, confirmed }: TrackedObject, box: Box, time: number): Crossing[] {
    const margin = MARGIN * sizeOf(box);
    for (const [i, line] of this.#lines.entries()) {
      const state = known.lines[i]!;
      const passed = step(state, placeAt(line, ground(box)), margin, time);
      if (passed === undefined || state.counted.has(passed.direction)) continue;
      state.counted.add(passed.direction);
      known.pending.push({ line: line.id, direction: passed.direction, track: id, time: passed.time, classIndex });
    }
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
    known.confirmed ||= confirmed;
    return known.confirmed ? known.pending.splice(0).map((each) => ({ ...each, track: id, classIndex })) : [];
  }
}

/** Over which a velocity is smoothed, s. */
const VELOCITY_SECONDS = 0.5;

const ground = ([x, y, w, h]: Box): Point => [x + w / 2, y + h];
const sizeOf = ([, , w, h]: Box): number => Math.sqrt(w * h);

/** Where a point is beside a line: positive on the right-hand side; `along` is 0 at its beginning and 1 at its end. */
function placeAt({ from, to }: Line, [x, y]: Point): { readonly distance: number; readonly along: number } {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy);
  const [px, py] = [x - from[0], y - from[1]];
  return { distance: (dx * py - dy * px) / length, along: (dx * px + dy * py) / length ** 2 };
}

/** Moves an object beside a line to its next place; answers that it has passed it once it is beyond the margin. */
function step(
  state: LineState,
  { distance, along }: { readonly distance: number; readonly along: number },
  margin: number,
  now: number,
): { readonly direction: Direction; readonly time: number } | undefined {
  if (state.distance !== 0 && Math.sign(distance) === -Math.sign(state.distance)) {
    const share = state.distance / (state.distance - distance);
    state.passed = { time: state.at + share * (now - state.at), along: state.along + share * (along - state.along) };
  }
  if (distance !== 0) [state.distance, state.along, state.at] = [distance, along, now];
  const side = Math.sign(distance);
  if (Math.abs(distance) < margin || side === state.side) return undefined;
  const { passed } = state;
  const was = state.side;
  state.side = side;
  // Past the end of the line is no crossing, and of an object that began in the middle nobody knows whence it came.
  if (was === 0 || passed === undefined || passed.along < 0 || passed.along > 1) return undefined;
  return { direction: side > 0 ? 'forward' : 'backward', time: passed.time };
}
