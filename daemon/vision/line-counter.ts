import type { Point } from './geometry.ts';
import { STANDING_SECONDS, type SteadyObject } from './steady-objects.ts';

export interface Line {
  readonly id: string;
  /** In shares of the image, from the top left. */
  readonly from: Point;
  readonly to: Point;
}

/** `forward`: from the left-hand side to the right-hand side of the line, as seen on the image when looking from `from` to `to`. */
export type Direction = 'forward' | 'backward';

export interface Crossing {
  readonly line: string;
  readonly direction: Direction;
  /** The same for as long as it is the same object. */
  readonly object: number;
  /** Of the id that the tracker gave it last. */
  readonly track: number;
  /** When its ground point passed the line, s. */
  readonly time: number;
  readonly classIndex: number;
  /** Where on the line it passed: 0 at its beginning, 1 at its end. */
  readonly along: number;
  /** m/s, once it was beyond the line; undefined where it is not known. */
  readonly speed?: number | undefined;
}

/** One that may cross, and how fast it is just now, m/s, where that is known. */
type Moving = SteadyObject & { readonly speed?: number | undefined };

/** An object has crossed when it is beyond the line by this share of its size: what trembles on the line does not. */
const MARGIN = 0.1;
/** Less than this share of the margin is no side at all. */
const UNDECIDED = 0.25;

/**
 * What went away from the line by more than so many of its sizes, on the side that it came from, may pass it again. Ids are exchanged where one
 * object hides another: one that was counted goes on as one that is still to come.
 */
const AWAY = 1;

/**
 * What comes back within so long, s, never passed: half hidden by another, a vehicle that waits at its line reached over it for a moment.
 * And whether a line was passed within its ends is looked at from both sides where the passage is nearer to one than the margin.
 */
const SETTLED_SECONDS = 0.4;

interface Place {
  readonly distance: number;
  readonly along: number;
  readonly time: number;
}

type Passed = Pick<Crossing, 'direction' | 'time' | 'along'>;

interface LineState {
  /** Side on which it last was for certain: -1 left, 1 right, 0 not known. */
  side: number;
  /** The last place that was not on the line itself. */
  last: Place;
  /** Those of the last moments. */
  readonly places: Place[];
  /** Where the line was passed last. */
  passed: Pick<Crossing, 'time' | 'along'> | undefined;
  /** Passed a moment ago; `nearEnd`: perhaps beside an end of the line. */
  waiting: (Passed & Pick<Crossing, 'speed'> & { readonly nearEnd: boolean }) | undefined;
  readonly counted: Set<Direction>;
}

interface Known {
  seenAt: number;
  id: number;
  classIndex: number;
  confirmed: boolean;
  readonly lines: readonly LineState[];
  /** Counted as soon as the object is believed. */
  readonly pending: Omit<Crossing, 'track' | 'classIndex'>[];
}

/** Counts objects whose ground point passes a line: once for each object and direction, until it has been away from the line. */
export class LineCounter {
  readonly #lines: readonly Line[];
  readonly #known = new Map<number, Known>();
  readonly #settledSeconds: number;

  /**
   * @param aspect width of the image over its height: distances are in heights
   * @param options.settledSeconds 0: told at once, what comes back at once as well
   */
  constructor(lines: readonly Line[], aspect: number, { settledSeconds = SETTLED_SECONDS } = {}) {
    this.#settledSeconds = settledSeconds;
    this.#lines = lines.map((line) => ({
      ...line,
      from: [line.from[0] * aspect, line.from[1]],
      to: [line.to[0] * aspect, line.to[1]],
    }));
  }

  /** @param objects all that are seen in this frame @returns what is certain now: the passages themselves were before */
  update(objects: readonly Moving[], time: number): Crossing[] {
    if (this.#lines.length === 0) return [];
    for (const each of objects) this.#move(each, time);
    for (const [object, { seenAt }] of this.#known) if (time - seenAt > STANDING_SECONDS) this.#known.delete(object);
    return this.#certain(time);
  }

  /** No frame comes any more. @returns what passed a moment ago */
  end(): Crossing[] {
    return this.#certain(Number.POSITIVE_INFINITY);
  }

  #certain(time: number): Crossing[] {
    const certain: Crossing[] = [];
    for (const [object, known] of this.#known) {
      this.#settle(object, known, time);
      const { id: track, classIndex, confirmed, pending } = known;
      if (!confirmed || pending.length === 0) continue;
      certain.push(...pending.splice(0).map((each) => ({ ...each, track, classIndex })));
    }
    return certain;
  }

  #begin({ ground, size }: SteadyObject, time: number): Pick<Known, 'lines' | 'pending'> {
    const lines = this.#lines.map((line): LineState => {
      const last = placeAt(line, ground, time);
      const side = Math.abs(last.distance) >= UNDECIDED * MARGIN * size ? Math.sign(last.distance) : 0;
      return { side, last, places: [], passed: undefined, waiting: undefined, counted: new Set() };
    });
    return { lines, pending: [] };
  }

  #move(seen: Moving, time: number): void {
    const { object, id, ground, size, classIndex, confirmed, speed } = seen;
    const { lines, pending } = this.#known.get(object) ?? this.#begin(seen, time);
    this.#known.set(object, { seenAt: time, id, classIndex, confirmed, lines, pending });
    for (const [i, line] of this.#lines.entries()) {
      const state = lines[i]!;
      const place = placeAt(line, ground, time);
      state.places.push(place);
      if (Math.abs(place.distance) > AWAY * size) state.counted.delete(place.distance < 0 ? 'forward' : 'backward');
      while (time - state.places[0]!.time > 2 * SETTLED_SECONDS) state.places.shift();
      const passed = step(state, place, MARGIN * size);
      if (passed === undefined) continue;
      // Back at once: it never passed, and has not come back either.
      if (state.waiting?.direction === opposite(passed.direction)) {
        state.waiting = undefined;
        continue;
      }
      const fromEnd = Math.min(Math.abs(passed.along), Math.abs(1 - passed.along)) * lengthOf(line);
      state.waiting = { ...passed, speed, nearEnd: fromEnd < MARGIN * size };
    }
  }

  #settle(object: number, { lines, pending }: Known, time: number): void {
    for (const [i, state] of lines.entries()) {
      const { waiting } = state;
      if (waiting === undefined || time - waiting.time < this.#settledSeconds) continue;
      state.waiting = undefined;
      const { nearEnd, ...passed } = waiting;
      const along = nearEnd ? alongAt(state.places, passed) : passed.along;
      count(state, { ...passed, along }, { line: this.#lines[i]!.id, object, pending });
    }
  }
}

const opposite = (direction: Direction): Direction => (direction === 'forward' ? 'backward' : 'forward');

/** Past the end of the line is no crossing; no object makes one twice. */
function count(
  { counted }: LineState,
  passed: Passed & Pick<Crossing, 'speed'>,
  { pending, ...of }: Pick<Crossing, 'line' | 'object'> & Pick<Known, 'pending'>,
): void {
  if (passed.along < 0 || passed.along > 1 || counted.has(passed.direction)) return;
  counted.add(passed.direction);
  pending.push({ ...of, ...passed });
}

/** Where along the line it was when it passed, by all places around that moment: a straight line through them (least squares). */
function alongAt(places: readonly Place[], { time, along }: Passed): number {
  const near = places.filter((each) => Math.abs(each.time - time) <= SETTLED_SECONDS);
  if (near.length < 3) return along;
  const mean = (of: (place: Place) => number): number => near.reduce((sum, each) => sum + of(each), 0) / near.length;
  const [middle, place] = [mean((each) => each.time), mean((each) => each.along)];
  const slope = mean((each) => (each.time - middle) * (each.along - place)) / mean((each) => (each.time - middle) ** 2);
  return place + slope * (time - middle);
}

const lengthOf = ({ from, to }: Line): number => Math.hypot(to[0] - from[0], to[1] - from[1]);

/** Where a point is beside a line: positive on the right-hand side; `along` is 0 at its beginning and 1 at its end. */
function placeAt(line: Line, [x, y]: Point, time: number): Place {
  const { from, to } = line;
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = lengthOf(line);
  const [px, py] = [x - from[0], y - from[1]];
  return { distance: (dx * py - dy * px) / length, along: (dx * px + dy * py) / length ** 2, time };
}

/** Moves an object beside a line to its next place; answers that it has passed it, or its prolongation, once it is beyond the margin. */
function step(state: LineState, place: Place, margin: number): Passed | undefined {
  const { last } = state;
  const { distance } = place;
  if (last.distance !== 0 && Math.sign(distance) === -Math.sign(last.distance)) {
    const share = last.distance / (last.distance - distance);
    state.passed = {
      time: last.time + share * (place.time - last.time),
      along: last.along + share * (place.along - last.along),
    };
  }
  if (distance !== 0) state.last = place;
  const side = Math.sign(distance);
  if (Math.abs(distance) < margin || side === state.side) return undefined;
  const { passed } = state;
  const was = state.side;
  state.side = side;
  // Of an object that began in the middle nobody knows whence it came.
  return was === 0 || passed === undefined ? undefined : { direction: side > 0 ? 'forward' : 'backward', ...passed };
}
