import { MOST_LINES } from '../../deploy/trial/protocol.ts';
import type { Detection } from '../../inference/heads/detection.ts';
import type { CameraConfig } from '../config/schema.ts';
import { CamerasTraffic, type TimedFrame } from '../vision/cameras-traffic.ts';
import type { ClassScheme } from '../vision/class-scheme.ts';

interface Seen {
  readonly scheme: ClassScheme;
  readonly detections: readonly Detection[];
}

type Crossed = Record<'old' | 'candidate', number>;

const lineKey = (camera: string, line: string): string => `${camera}/${line}`;

/** Names of the lines that are compared, of all cameras together. */
export const comparedLines = (cameras: readonly CameraConfig[]): string[] =>
  cameras.flatMap(({ id, lines }) => lines.map((line) => lineKey(id, line.id))).slice(0, MOST_LINES);

/** Counts what crosses lines by each of two models, as the box would by either alone. */
export class LineComparison {
  readonly #traffic = { old: new CamerasTraffic(), candidate: new CamerasTraffic() };
  #crossed = new Map<string, Crossed>();

  compare(camera: CameraConfig, frame: TimedFrame, old: Seen, candidate: Seen): void {
    const sides = [
      ['old', old],
      ['candidate', candidate],
    ] as const;
    for (const [side, { scheme, detections }] of sides) {
      const followed = this.#traffic[side].update(camera.id, camera, scheme, frame, detections);
      for (const { line } of followed?.seen.crossings ?? []) {
        const key = lineKey(camera.id, line);
        const crossed = this.#crossed.get(key) ?? { old: 0, candidate: 0 };
        crossed[side]++;
        this.#crossed.set(key, crossed);
      }
    }
  }

  /** Of every line that is drawn, also where nothing crossed. */
  counts(cameras: readonly CameraConfig[]): Record<string, Crossed> {
    const ids = new Set(cameras.map(({ id }) => id));
    for (const traffic of Object.values(this.#traffic)) traffic.keep(ids);
    return Object.fromEntries(
      comparedLines(cameras).map((line) => [line, this.#crossed.get(line) ?? { old: 0, candidate: 0 }]),
    );
  }

  clear(): void {
    this.#crossed = new Map();
  }
}
