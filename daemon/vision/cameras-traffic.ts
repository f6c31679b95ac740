import type { Detection } from '../../inference/heads/detection.ts';
import type { ClassScheme } from './class-scheme.ts';
import { type Numbering, numbering } from './numbering.ts';
import { Traffic, type TrafficFrame, type TrafficPlan } from './traffic.ts';

/** A frame of a camera, and when it came: ms of a clock that makes no steps. */
export interface TimedFrame {
  readonly width: number;
  readonly height: number;
  readonly capturedAt: number;
  readonly lagMs: number | null | undefined;
}

/** Of the moment that it shows, s: a frame that waited in the camera shows an earlier one than that in which it came, and speeds are of those. */
export const timeOf = ({ capturedAt, lagMs }: Pick<TimedFrame, 'capturedAt' | 'lagMs'>): number =>
  (capturedAt - (lagMs ?? 0)) / 1000;

interface Followed {
  readonly traffic: Traffic;
  /** Of what it was made from; to compare that with every frame, the same objects are asked for first. */
  readonly made: string;
  plan: TrafficPlan;
  scheme: ClassScheme;
  lastTime: number;
}

/** Follows the objects of several cameras, each from frame to frame. */
export class CamerasTraffic {
  readonly #followed = new Map<string, Followed>();
  /** Outlive what is followed: a number stands for one object of a camera within a run. */
  readonly #numbers = new Map<string, Numbering>();

  /**
   * What was followed goes on with another model, if it counts the same classes, and where nothing was drawn anew.
   *
   * @returns `time` in s, of the frame; undefined for a frame that is no later than the one before
   */
  update(
    camera: string,
    plan: TrafficPlan,
    scheme: ClassScheme,
    frame: TimedFrame,
    detections: readonly Detection[],
  ): { readonly seen: TrafficFrame; readonly time: number } | undefined {
    const followed = this.#of(camera, plan, scheme, frame.width / frame.height);
    const time = timeOf(frame);
    if (time <= followed.lastTime) return undefined;
    followed.lastTime = time;
    return { seen: followed.traffic.update(detections, time), time };
  }

  /** Forgets all other cameras. */
  keep(cameras: ReadonlySet<string>): void {
    for (const camera of this.#followed.keys()) if (!cameras.has(camera)) this.#followed.delete(camera);
  }

  #of(camera: string, plan: TrafficPlan, scheme: ClassScheme, aspect: number): Followed {
    const known = this.#followed.get(camera);
    if (known?.plan === plan && known.scheme === scheme && known.traffic.aspect === aspect) return known;
    const { lines, zones, movements, calibration } = plan;
    const parts: TrafficPlan = { lines, zones, movements, calibration };
    const made = JSON.stringify([parts, scheme.classes, aspect]);
    if (known?.made === made) {
      known.traffic.useScheme(scheme);
      Object.assign(known, { plan, scheme });
      return known;
    }
    const numbers = this.#numbers.get(camera) ?? numbering();
    this.#numbers.set(camera, numbers);
    const traffic = new Traffic(parts, scheme, aspect, numbers);
    const followed = { traffic, made, plan, scheme, lastTime: Number.NEGATIVE_INFINITY };
    this.#followed.set(camera, followed);
    return followed;
  }
}
