import { randomUUID } from 'node:crypto';
import type { Clock } from '../contract/messages/envelope.ts';
import { topicOf } from '../contract/messages/topics.ts';
import { type Body, Messenger } from '../contract/messenger.ts';
import { type OtherBox, OtherBoxes } from '../contract/mqtt/other-box.ts';
import { Publisher, type PublisherStatus } from '../contract/mqtt/publisher.ts';
import type { Log } from '../core/log.ts';
import type { CameraStatus } from './camera/types.ts';
import type { LoadedConfig } from './config/load.ts';
import { bootId, cameraStatusBody } from './status-bodies.ts';

/** Where the reports read the present from: retained messages are made anew whenever they are sent. */
export interface Present {
  readonly state: () => Omit<Body<'state'>, 'bootId'>;
  readonly info: () => Body<'info'>;
  readonly camera: (id: string) => CameraStatus | undefined;
}

export interface ReportsDeps {
  readonly log: Log;
  readonly clock: () => Clock;
}

/** RabbitMQ gives nothing retained to those who subscribe with a wildcard: they would wait for the next change. */
const REPEAT_MS = 600_000;
/** Two boxes with one name would otherwise answer each other as fast as the network allows. */
const RESTORE_EVERY_MS = 30_000;
const NOTHING_COUNTED = { reconnects: 0, resets: 0, dropped: 0, droppedByKind: new Map<string, number>() };

/** The daemon's side of the contract: says what is, over one connection at a time. */
export class Reports {
  readonly #deps: ReportsDeps;
  readonly #present: Present;
  readonly #session = randomUUID();
  readonly #bootId = bootId();
  readonly #cameras = new Set<string>();
  readonly #others = new OtherBoxes(this.#bootId);
  #restoredAt = Number.NEGATIVE_INFINITY;
  #repeat: NodeJS.Timeout | undefined;
  #messenger: Messenger;
  #publisher: Publisher;
  #before: Pick<PublisherStatus, 'reconnects' | 'resets' | 'dropped' | 'droppedByKind'> = NOTHING_COUNTED;
  #said = '';
  #stopped = false;

  constructor(loaded: LoadedConfig, present: Present, deps: ReportsDeps) {
    this.#deps = deps;
    this.#present = present;
    [this.#messenger, this.#publisher] = this.#prepare(loaded);
  }

  /** Counters are those of the session: over all brokers that the box reported to. */
  status(): PublisherStatus {
    const now = this.#publisher.status();
    const { reconnects, resets, dropped, droppedByKind } = this.#before;
    const kinds = new Set([...droppedByKind.keys(), ...now.droppedByKind.keys()]);
    const sum = (kind: string): number => (droppedByKind.get(kind) ?? 0) + (now.droppedByKind.get(kind) ?? 0);
    return {
      ...now,
      reconnects: reconnects + now.reconnects,
      resets: resets + now.resets,
      dropped: dropped + now.dropped,
      droppedByKind: new Map([...kinds].map((kind) => [kind, sum(kind)])),
    };
  }

  start(): void {
    this.#messenger.retain('state', () => this.#stateBody());
    this.#messenger.retain('info', () => this.#present.info());
    for (const id of this.#cameras) this.camera(id);
    this.#publisher.start();
    this.#repeat ??= setInterval(() => {
      this.#messenger.repeat('state');
      this.#messenger.repeat('info');
    }, REPEAT_MS);
  }

  /** Another box that reports under this one's name. */
  other(): OtherBox | undefined {
    return this.#others.found(performance.now());
  }

  /** Leaves one broker, or one set of topics, for another: says goodbye there first. */
  async reconnect(loaded: LoadedConfig): Promise<void> {
    this.#messenger.retain('state', () => this.#goodbye('the box now reports elsewhere'));
    for (const id of this.#cameras) this.#messenger.clear('camera-status', { camera: id });
    await this.#publisher.stop();
    if (this.#stopped) return;
    this.#before = this.status();
    [this.#messenger, this.#publisher] = this.#prepare(loaded);
    this.start();
  }

  /** Publishes the state if it changed. */
  state(): void {
    const said = JSON.stringify(this.#present.state());
    if (said === this.#said) return;
    this.#said = said;
    this.#deps.log.info(this.#present.state(), 'state');
    this.#messenger.retain('state', () => this.#stateBody());
  }

  info(): void {
    this.#messenger.retain('info', () => this.#present.info());
  }

  /** Publishes the status of a camera; removes it when the camera is gone. */
  camera(id: string): void {
    const status = this.#present.camera(id);
    if (status === undefined) {
      this.#cameras.delete(id);
      this.#messenger.clear('camera-status', { camera: id });
      return;
    }
    this.#cameras.add(id);
    // Read again when it is sent, which may be after the next change: never older than this one.
    this.#messenger.retain('camera-status', () => cameraStatusBody(this.#present.camera(id) ?? status), { camera: id });
  }

  detections(body: Body<'detections'>, capturedAt: number): void {
    const { camera, latencyMs } = body;
    this.#messenger.send('detections', body, { capturedAt, ageMs: latencyMs.total }, { camera });
  }

  telemetry(body: Body<'telemetry'>): void {
    this.#messenger.send('telemetry', body, {});
  }

  /** Says `offline` and leaves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#repeat);
    for (const id of this.#cameras) this.camera(id);
    this.#messenger.retain('state', () => this.#goodbye('ended on request'));
    await this.#publisher.stop();
  }

  /** Someone else wrote to the topic of the state: the broker's copy is no longer this box's. */
  #heardForeign(message: Readonly<Record<string, unknown>>, live: boolean): void {
    const now = performance.now();
    const known = this.#others.found(now);
    this.#others.heard(message, live, now);
    const other = this.#others.found(now);
    if (other !== undefined && other.session !== known?.session)
      this.#deps.log.error({ other }, 'another box reports under this name: give each its own `box`');
    if (!live || now - this.#restoredAt < RESTORE_EVERY_MS) return;
    this.#restoredAt = now;
    this.#messenger.repeat('state');
  }

  #stateBody(): Body<'state'> {
    return { ...this.#present.state(), bootId: this.#bootId };
  }

  #goodbye(message: string): Body<'state'> {
    return { state: 'offline', reasons: [{ code: 'stopped', message }], bootId: this.#bootId };
  }

  #prepare({ config, secrets }: LoadedConfig): [Messenger, Publisher] {
    const { site, box, mqtt } = config;
    const { log, clock } = this.#deps;
    const messenger = new Messenger({
      site,
      box,
      session: this.#session,
      clock,
      telemetrySeconds: config.telemetry.intervalSeconds,
    });
    const lost = {
      state: 'offline' as const,
      reasons: [{ code: 'connection-lost' as const, message: 'the broker lost the box' }],
      bootId: this.#bootId,
    };
    const publisher = new Publisher(
      {
        url: mqtt.url,
        clientId: mqtt.clientId ?? `wayside-${site}-${box}`,
        keepaliveSeconds: mqtt.keepaliveSeconds,
        username: mqtt.username,
        password: secrets.mqtt,
        ...secrets.tls,
      },
      () => ({ topic: topicOf(messenger.root, 'state'), payload: messenger.compose('state', lost) }),
      log,
      {
        root: messenger.root,
        state: topicOf(messenger.root, 'state'),
        session: this.#session,
        onForeign: (message, live) => this.#heardForeign(message, live),
      },
    );
    messenger.attach(publisher);
    return [messenger, publisher];
  }
}
