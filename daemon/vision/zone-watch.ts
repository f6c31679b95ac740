import { edgeDistance, inside, type Point } from './geometry.ts';
import { STANDING_SECONDS, type SteadyObject } from './steady-objects.ts';

export interface Zone {
  readonly id: string;
  /** In shares of the image, from the top left. */
  readonly polygon: readonly Point[];
  /** Who stands in it for so long has stopped there, s; undefined where that is of no interest. */
  readonly stoppedSeconds?: number | undefined;
}

export interface ZoneEvent {
  readonly kind: 'entered' | 'left' | 'stopped';
  readonly zone: string;
  readonly object: number;
  readonly track: number;
  /** s. */
  readonly time: number;
  readonly classIndex: number;
  /** How long it has been inside, s; 0 for who enters. */
  readonly dwellSeconds: number;
}

/** An object is inside or outside when it is so by this share of its size: what trembles on the edge does neither. */
const MARGIN = 0.1;

interface Inside {
  readonly since: number;
  standingSince: number | undefined;
  stopped: boolean;
}

interface Known {
  track: number;
  classIndex: number;
  seenAt: number;
  /** By the zones' order; undefined: outside. */
  readonly zones: (Inside | undefined)[];
}

/** Objects that are not seen any more have left after so long, s: at the moment when they were last seen. */
const GONE_SECONDS = 4;

/** Watches who enters zones, leaves them and stops in them, by ground points. */
export class ZoneWatch {
  readonly #zones: readonly Zone[];
  readonly #known = new Map<number, Known>();

  /** @param aspect width of the image over its height: distances are in heights */
  constructor(zones: readonly Zone[], aspect: number) {
    this.#zones = zones.map((zone) => ({ ...zone, polygon: zone.polygon.map(([x, y]): Point => [x * aspect, y]) }));
  }

  /** How many objects are in each zone, by the zones' order. */
  occupancy(): number[] {
    return this.#zones.map((_, i) => [...this.#known.values()].filter(({ zones }) => zones[i] !== undefined).length);
  }

  /** @param objects all that are seen in this frame */
  update(objects: readonly SteadyObject[], time: number): ZoneEvent[] {
    if (this.#zones.length === 0) return [];
    const events = objects.filter(({ confirmed }) => confirmed).flatMap((each) => this.#move(each, time));
    for (const [object, known] of this.#known) {
      // What stood may be hidden by who stands before it.
      const standing = known.zones.some((zone) => zone?.standingSince !== undefined);
      if (time - known.seenAt <= (standing ? STANDING_SECONDS : GONE_SECONDS)) continue;
      this.#known.delete(object);
      for (const [i, zone] of known.zones.entries())
        if (zone !== undefined) events.push(this.#left(i, object, known, zone, known.seenAt));
    }
    return events;
  }

  #move({ object, id, ground, size, standing, classIndex }: SteadyObject, time: number): ZoneEvent[] {
    const known = this.#known.get(object) ?? { track: id, classIndex, seenAt: time, zones: [] };
    this.#known.set(object, known);
    known.track = id;
    known.classIndex = classIndex;
    known.seenAt = time;
    const events: ZoneEvent[] = [];
    for (const [i, { id: zone, polygon, stoppedSeconds }] of this.#zones.entries()) {
      const is = inside(polygon, ground);
      const was = known.zones[i];
      if (is !== (was !== undefined) && edgeDistance(polygon, ground) > MARGIN * size) {
        if (was === undefined) {
          known.zones[i] = { since: time, standingSince: undefined, stopped: false };
          events.push({ kind: 'entered', zone, object, track: id, time, classIndex, dwellSeconds: 0 });
        } else {
          known.zones[i] = undefined;
          events.push(this.#left(i, object, known, was, time));
        }
      }
      const now = known.zones[i];
      if (now === undefined) continue;
      now.standingSince = standing ? (now.standingSince ?? time) : undefined;
      if (!standing) now.stopped = false;
      const stood = now.standingSince === undefined ? 0 : time - now.standingSince;
      if (stoppedSeconds === undefined || now.stopped || stood < stoppedSeconds) continue;
      now.stopped = true;
      const dwellSeconds = time - now.since;
      events.push({ kind: 'stopped', zone, object, track: id, time, classIndex, dwellSeconds });
    }
    return events;
  }

  #left(i: number, object: number, { track, classIndex }: Known, { since }: Inside, time: number): ZoneEvent {
    const zone = this.#zones[i]?.id ?? '';
    return { kind: 'left', zone, object, track, time, classIndex, dwellSeconds: time - since };
  }
}
