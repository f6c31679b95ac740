import type { Log } from '../../core/log.ts';
import type { CameraEntry } from '../cameras.ts';
import type { CameraConfig } from '../config/schema.ts';
import { detectionsIn, type Ready } from '../inference/protocol.ts';
import { type ClassScheme, classScheme } from '../vision/class-scheme.ts';
import { Traffic } from '../vision/traffic.ts';
import type { AnalysedFrame, DaemonView, Feature } from './feature.ts';

interface Watched {
  readonly traffic: Traffic;
  /** Of what it was made from. */
  readonly made: string;
  lastTime: number;
}

/** Follows the objects of every camera from frame to frame, for those who tell of them. */
export class TrafficWatch implements Feature {
  readonly #daemon: DaemonView;
  readonly #log: Log;
  readonly #watched = new Map<string, Watched>();
  readonly #schemes = new WeakMap<Ready, { readonly asked: string; readonly scheme: ClassScheme }>();

  constructor(daemon: DaemonView, log: Log) {
    this.#daemon = daemon;
    this.#log = log;
  }

  start(signal: AbortSignal): void {
    this.#daemon.on('analysed', (analysed) => this.#see(analysed), signal);
    this.#daemon.on('configured', () => this.#forget(), signal);
  }

  #see({ frame, result, receivedAt }: AnalysedFrame): void {
    const detections = detectionsIn(result);
    const entry = this.#daemon.present.cameras.find(({ id }) => id === frame.camera);
    if (detections === undefined || entry === undefined) return;
    const { width, height, capturedAt, lagMs } = frame.frame;
    const scheme = this.#scheme(frame.ready);
    const watched = this.#of(entry, scheme, width / height);
    // A frame that waited in the camera shows an earlier moment than the one in which it came: speeds are of those moments.
    const time = (capturedAt - (lagMs ?? 0)) / 1000;
    if (time <= watched.lastTime) return;
    watched.lastTime = time;
    const seen = watched.traffic.update(detections, time);
    this.#daemon.emit('traffic', { frame, result, receivedAt, seen, time, scheme });
  }

  /** The classes that are counted, by the labels of the model that spoke. */
  #scheme(ready: Ready): ClassScheme {
    const { classes } = this.#daemon.present.loaded.config.counting;
    const asked = JSON.stringify(classes ?? null);
    const known = this.#schemes.get(ready);
    if (known?.asked === asked) return known.scheme;
    const { scheme, unknown } = classScheme(ready.labels ?? [], classes);
    if (unknown.length > 0)
      this.#log.warn(
        { MODEL: ready.model.name, classes: unknown },
        'the model knows no such classes: they are not counted',
      );
    this.#schemes.set(ready, { asked, scheme });
    return scheme;
  }

  /** What was followed goes on with another model, if it counts the same classes, and where nothing was drawn anew. */
  #of({ id, config }: CameraEntry, scheme: ClassScheme, aspect: number): Watched {
    const made = JSON.stringify([planOf(config), scheme.classes, aspect]);
    const known = this.#watched.get(id);
    if (known?.made === made) {
      known.traffic.useScheme(scheme);
      return known;
    }
    const traffic = new Traffic(planOf(config), scheme, aspect);
    const watched = { traffic, made, lastTime: Number.NEGATIVE_INFINITY };
    this.#watched.set(id, watched);
    return watched;
  }

  #forget(): void {
    const ids = new Set(this.#daemon.present.cameras.map(({ id }) => id));
    for (const id of this.#watched.keys()) if (!ids.has(id)) this.#watched.delete(id);
  }
}

const planOf = ({ lines, zones, movements, calibration }: CameraConfig) => ({ lines, zones, movements, calibration });
