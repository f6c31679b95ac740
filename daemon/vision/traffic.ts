import type { Detection } from '../../inference/heads/detection.ts';
import { type ClassScheme, countedDetections } from './class-scheme.ts';
import { type Calibration, groundPlane, Speedometer } from './ground-plane.ts';
import { type Crossing, type Line, LineCounter } from './line-counter.ts';
import { type Movement, type MovementEvent, MovementWatch, type Passage } from './movements.ts';
import { numbering } from './numbering.ts';
import { type SteadyObject, SteadyObjects } from './steady-objects.ts';
import { Tracker } from './tracker.ts';
import { type Zone, type ZoneEvent, ZoneWatch } from './zone-watch.ts';

/** What is looked for on the images of one camera. */
export interface TrafficPlan {
  readonly lines: readonly Line[];
  readonly zones?: readonly Zone[] | undefined;
  readonly movements?: readonly Movement[] | undefined;
  readonly calibration?: Calibration | undefined;
}

interface MovingObject extends SteadyObject {
  /** m/s; undefined where the ground is not calibrated, or it was not followed for long enough. */
  readonly speed: number | undefined;
}

export interface TrafficFrame {
  /** All that is seen, believed or not yet. */
  readonly objects: readonly MovingObject[];
  readonly crossings: readonly Crossing[];
  readonly zoneEvents: readonly ZoneEvent[];
  readonly movements: readonly MovementEvent[];
  /** Objects in each zone now, by the plan's order. */
  readonly occupancy: readonly number[];
}

/**
 * From detections to facts of traffic, of one camera: tracks, lines, zones, movements, speeds. Pure: times are told, nothing is kept
 * but what the frames before said.
 */
export class Traffic {
  #scheme: ClassScheme;
  /** Width of the image over its height. */
  readonly aspect: number;
  readonly #tracker: Tracker;
  readonly #steady: SteadyObjects;
  readonly #lines: LineCounter;
  readonly #zones: ZoneWatch;
  readonly #movements: MovementWatch;
  readonly #speeds: Speedometer | undefined;
  #time = 0;

  constructor(
    { lines, zones = [], movements = [], calibration }: TrafficPlan,
    scheme: ClassScheme,
    aspect: number,
    numbers = numbering(),
  ) {
    this.#scheme = scheme;
    this.aspect = aspect;
    this.#tracker = new Tracker({ aspect, nextId: numbers.track });
    this.#steady = new SteadyObjects(aspect, numbers.object);
    this.#lines = new LineCounter(lines, aspect);
    this.#zones = new ZoneWatch(zones, aspect);
    this.#movements = new MovementWatch(movements);
    const plane = calibration === undefined ? undefined : groundPlane(calibration);
    this.#speeds = plane === undefined ? undefined : new Speedometer(plane);
  }

  /** Another model speaks, in the same counted classes. */
  useScheme(scheme: ClassScheme): void {
    this.#scheme = scheme;
  }

  /**
   * @param detections in the model's classes
   * @param time of the frame, s, above that of the frame before
   */
  update(detections: readonly Detection[], time: number): TrafficFrame {
    this.#time = time;
    const tracked = this.#tracker.update(countedDetections(detections, this.#scheme), time);
    const objects = this.#steady.update(tracked, time).map((each): MovingObject => {
      const [x, y] = each.ground;
      return { ...each, speed: this.#speeds?.update(each.object, [x / this.aspect, y], time) };
    });
    this.#speeds?.keep(new Set(objects.map(({ object }) => object)));
    return this.#told(objects, this.#lines.update(objects, time), this.#zones.update(objects, time));
  }

  /** No frame comes any more: what passed a line a moment ago is certain now. */
  end(): TrafficFrame {
    return this.#told([], this.#lines.end(), []);
  }

  #told(
    objects: readonly MovingObject[],
    crossings: readonly Crossing[],
    zoneEvents: readonly ZoneEvent[],
  ): TrafficFrame {
    const passages = [
      ...crossings.map((each): Passage => ({ ...each, place: each.line })),
      ...zoneEvents.filter(({ kind }) => kind === 'entered').map((each): Passage => ({ ...each, place: each.zone })),
    ];
    return {
      objects,
      crossings,
      zoneEvents,
      movements: this.#movements.update(passages, this.#time),
      occupancy: this.#zones.occupancy(),
    };
  }
}
