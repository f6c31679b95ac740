import type { EVENTS } from '../../contract/messages/event.ts';
import type { Body } from '../../contract/messenger.ts';
import type { CameraConfig } from '../config/schema.ts';
import { laneAt } from '../counts/lanes.ts';
import type { Uplink } from '../uplink.ts';
import type { Crossing } from '../vision/line-counter.ts';
import type { MovementEvent } from '../vision/movements.ts';
import type { ZoneEvent } from '../vision/zone-watch.ts';
import type { DaemonView, Feature, SeenFrame } from './feature.ts';

type EventBody = Omit<Body<'event'>, 'journalSeq'>;
/** What an event says besides what it is about. */
type Said = Omit<EventBody, 'model' | 'camera' | 'at' | 'class'> & {
  readonly time: number;
  readonly classIndex: number;
};

const NOTHING = { line: null, lane: null, direction: null, zone: null, movement: null, seconds: null, speed: null };

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
    const said = [
      ...seen.crossings.flatMap((each) => crossed(each, config)),
      ...seen.zoneEvents.map(inZone),
      ...seen.movements.map(moved),
    ];
    for (const { time: at, classIndex, ...rest } of said) {
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

const hundredth = (value: number | undefined): number | null =>
  value === undefined ? null : Math.round(value * 100) / 100;

function crossed(
  { line, direction, object, track, time, classIndex, along, speed }: Crossing & { readonly speed: number | undefined },
  config: CameraConfig | undefined,
): Said[] {
  const configured = config?.lines.find(({ id }) => id === line);
  const lane = laneAt(configured?.lanes ?? [], along);
  const said = { ...NOTHING, object, track, time, classIndex, line, direction, lane, speed: hundredth(speed) };
  const events: (typeof EVENTS)[number][] = ['crossing'];
  if (configured?.wrongWay === direction) events.push('wrong-way');
  return events.map((event) => ({ ...said, event }));
}

const inZone = ({ kind, zone, object, track, time, classIndex, dwellSeconds }: ZoneEvent): Said => ({
  ...NOTHING,
  event: kind,
  zone,
  object,
  track,
  time,
  classIndex,
  seconds: kind === 'entered' ? null : hundredth(dwellSeconds),
});

const moved = ({ movement, object, track, time, classIndex, seconds }: MovementEvent): Said => ({
  ...NOTHING,
  event: 'movement',
  movement,
  object,
  track,
  time,
  classIndex,
  seconds: hundredth(seconds),
});
