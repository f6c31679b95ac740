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
}

/** An object has crossed when it is beyond the line by this share of its size: what trembles on the line does not. */
const MARGIN = 0.1;
/** Less than this share of the margin is no side at all. */
const UNDECIDED = 0.25;

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
  seenAt: number;
  readonly lines: readonly LineState[];
  /** Counted as soon as the object is believed. */
  readonly pending: Omit<Crossing, 'track' | 'classIndex'>[];
}

/** Counts objects whose ground point passes a line: once for each object, line and direction. */
export class LineCounter {
  readonly #lines: readonly Line[];
  readonly #known = new Map<number, Known>();

  /** @param aspect width of the image over its height: distances are in heights */
  constructor(lines: readonly Line[], aspect: number) {
    this.#lines = lines.map((line) => ({
      ...line,
      from: [line.from[0] * aspect, line.from[1]],
      to: [line.to[0] * aspect, line.to[1]],
    }));
  }

  /** @param objects all that are seen in this frame */
  update(objects: readonly SteadyObject[], time: number): Crossing[] {
    const crossings = objects.flatMap((each) => {
      const known = this.#known.get(each.object) ?? this.#begin(each, time);
      return this.#move(known, each, time);
    });
    for (const [object, { seenAt }] of this.#known) if (time - seenAt > STANDING_SECONDS) this.#known.delete(object);
    return crossings;
  }

  #begin({ object, ground, size }: SteadyObject, time: number): Known {
    const lines = this.#lines.map((line): LineState => {
      const { distance, along } = placeAt(line, ground);
      const side = Math.abs(distance) >= UNDECIDED * MARGIN * size ? Math.sign(distance) : 0;
      return { side, distance, along, at: time, passed: undefined, counted: new Set() };
    });
    const known: Known = { seenAt: time, lines, pending: [] };
    this.#known.set(object, known);
    return known;
  }

  #move(known: Known, { object, id, ground, size, classIndex, confirmed }: SteadyObject, time: number): Crossing[] {
    known.seenAt = time;
    for (const [i, line] of this.#lines.entries()) {
      const state = known.lines[i]!;
      const passed = step(state, placeAt(line, ground), MARGIN * size, time);
      if (passed === undefined || state.counted.has(passed.direction)) continue;
      state.counted.add(passed.direction);
      known.pending.push({ line: line.id, object, ...passed });
    }
    return confirmed ? known.pending.splice(0).map((each) => ({ ...each, track: id, classIndex })) : [];
  }
}

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
): Pick<Crossing, 'direction' | 'time' | 'along'> | undefined {
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
  return { direction: side > 0 ? 'forward' : 'backward', ...passed };
}
