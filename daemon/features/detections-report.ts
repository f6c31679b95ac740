import { detectionsBody } from '../detections.ts';
import type { Uplink } from '../uplink.ts';
import type { DaemonView, Feature } from './feature.ts';

/** Says what was seen in each frame. */
export class DetectionsReport implements Feature {
  readonly #daemon: DaemonView;
  readonly #uplink: Uplink;

  constructor(daemon: DaemonView, uplink: Uplink) {
    this.#daemon = daemon;
    this.#uplink = uplink;
  }

  start(signal: AbortSignal): void {
    this.#daemon.on(
      'analysed',
      ({ frame, result }) => {
        const { camera, frame: image } = frame;
        const body = detectionsBody(frame, result, performance.now());
        const observed = { capturedAt: image.capturedAtWall, ageMs: body.latencyMs.total };
        this.#uplink.send('detections', body, observed, { camera });
      },
      signal,
    );
  }
}
