import type { Body } from '../../contract/messenger.ts';
import { eventsOf } from '../counts/events.ts';
import type { Uplink } from '../uplink.ts';
import type { DaemonView, Feature, SeenFrame } from './feature.ts';

type EventBody = Omit<Body<'event'>, 'journalSeq'>;

/** Says what single objects did: kept until the broker has confirmed it. */
export class EventsReport implements Feature {
  readonly #daemon: DaemonView;
  readonly #uplink: Uplink;

  constructor(daemon: DaemonView, uplink: Uplink) {
    this.#daemon = daemon;
    this.#uplink = uplink;
  }

  start(signal: AbortSignal): void {
    this.#daemon.on('traffic', (seen) => this.#tell(seen), signal);
  }

  #tell(analysed: SeenFrame): void {
    const { seen, frame, time, scheme } = analysed;
    const config = this.#daemon.present.cameras.find(({ id }) => id === frame.camera)?.config;
    for (const { time: at, classIndex, ...rest } of eventsOf(seen, config?.lines ?? [])) {
      const capturedAt = frame.frame.capturedAtWall + (at - time) * 1000;
      const body: EventBody = {
        ...rest,
        model: frame.ready.model,
        camera: frame.camera,
        at: new Date(capturedAt).toISOString(),
        class: scheme.classes[classIndex] ?? 'unknown',
      };
      this.#uplink.append('event', body, { capturedAt }, { camera: frame.camera, kind: body.event });
    }
  }
}
