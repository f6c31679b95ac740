import type { Body } from '../../contract/messenger.ts';
import { detectionsBody, type PendingFrame } from '../detections.ts';
import { objectsBody } from '../objects.ts';
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
        if (result.objects === undefined && frame.proposals === undefined)
          this.#send(frame, detectionsBody(frame, result, performance.now()));
      },
      signal,
    );
    this.#daemon.on(
      'traffic',
      (seen) => this.#send(seen.frame, objectsBody(seen, this.#daemon.present.loaded.config, performance.now())),
      signal,
    );
  }

  #send({ camera, frame }: PendingFrame, body: Body<'detections'>): void {
    const observed = { capturedAt: frame.capturedAtWall, ageMs: body.latencyMs.total };
    this.#uplink.send('detections', body, observed, { camera });
  }
}
