import { randomUUID } from 'node:crypto';
import type { Clock } from '../contract/messages/envelope.ts';
import type { KindDelivered, TopicParameters } from '../contract/messages/kinds.ts';
import { topicOf } from '../contract/messages/topics.ts';
import { type Body, type JournalEntry, Messenger, type Observed } from '../contract/messenger.ts';
import type { Backlog } from '../contract/mqtt/backlog.ts';
import { type OtherBox, OtherBoxes } from '../contract/mqtt/other-box.ts';
import { Publisher, type PublisherStatus } from '../contract/mqtt/publisher.ts';
import { brokerOptions } from '../contract/mqtt/settings.ts';
import type { Log } from '../core/log.ts';
import type { LoadedConfig } from './config/load.ts';
import type { JournalStatus } from './journal/journal.ts';
import { bootId } from './status-bodies.ts';

/** Where messages are kept that must not be lost. */
interface Keeping {
  readonly backlog: Backlog;
  append(entry: JournalEntry): void;
  status(): JournalStatus;
  close(): Promise<void>;
}

interface UplinkDeps {
  readonly log: Log;
  readonly clock: () => Clock;
}

/** Two boxes with one name would otherwise answer each other as fast as the network allows. */
const RESTORE_EVERY_MS = 30_000;
const NOTHING_COUNTED = { reconnects: 0, resets: 0, dropped: 0, droppedByKind: new Map<string, number>() };

/**
 * The one way from the daemon to the control centre: messages of the contract, over one connection at a time. It is told what
 * to say and asks nobody; what it knows of its own accord is the last will.
 */
export class Uplink {
  /** Of this start of the machine; null where the kernel does not tell. */
  readonly bootId = bootId();
  readonly #deps: UplinkDeps;
  readonly #session = randomUUID();
  readonly #others = new OtherBoxes(this.bootId);
  #restoredAt = Number.NEGATIVE_INFINITY;
  #restoring: NodeJS.Timeout | undefined;
  #keeping: Keeping | undefined;
  #messenger: Messenger;
  #publisher: Publisher;
  #before: Pick<PublisherStatus, 'reconnects' | 'resets' | 'dropped' | 'droppedByKind'> = NOTHING_COUNTED;
  /** Nothing is added to the last words at one broker. */
  #leaving = false;
  #stopped = false;

  constructor(loaded: LoadedConfig, deps: UplinkDeps) {
    this.#deps = deps;
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

  /** Another box that reports under this one's name. */
  other(): OtherBox | undefined {
    return this.#others.found(performance.now());
  }

  start(): void {
    this.#publisher.start();
  }

  /** Keeps a retained topic true: `make` says the present, now and at every later connection to this broker. */
  retain<K extends KindDelivered<'retained'>>(kind: K, make: () => Body<K>, ...parameters: TopicParameters<K>): void {
    if (!this.#leaving) this.#messenger.retain(kind, make, ...parameters);
  }

  /** Removes a retained topic. */
  clear<K extends KindDelivered<'retained'>>(kind: K, ...parameters: TopicParameters<K>): void {
    if (!this.#leaving) this.#messenger.clear(kind, ...parameters);
  }

  /** Publishes a retained topic once more. */
  repeat<K extends KindDelivered<'retained'>>(kind: K, ...parameters: TopicParameters<K>): void {
    if (!this.#leaving) this.#messenger.repeat(kind, ...parameters);
  }

  /** Says what is worthless later: so that it arrives in time, or not at all. @returns whether it was not dropped at once */
  send<K extends KindDelivered<'latest'>>(
    kind: K,
    body: Body<K>,
    observed: Observed,
    ...parameters: TopicParameters<K>
  ): boolean {
    return this.#messenger.send(kind, body, observed, ...parameters);
  }

  /** Keeps a message until the broker has confirmed it, over connections and restarts. @returns false where the box keeps no journal */
  append<K extends KindDelivered<'journalled'>>(
    kind: K,
    body: Omit<Body<K>, 'journalSeq'>,
    observed: Pick<Observed, 'capturedAt'>,
    ...parameters: TopicParameters<K>
  ): boolean {
    this.#keeping?.append(this.entry(kind, body, observed, ...parameters));
    return this.#keeping !== undefined;
  }

  /** A message for the journal. */
  entry<K extends KindDelivered<'journalled'>>(
    kind: K,
    body: Omit<Body<K>, 'journalSeq'>,
    observed: Pick<Observed, 'capturedAt'>,
    ...parameters: TopicParameters<K>
  ): JournalEntry {
    return this.#messenger.entry(kind, body, observed, ...parameters);
  }

  /** How the journal is; undefined where the box keeps none. */
  journal(): JournalStatus | undefined {
    return this.#keeping?.status();
  }

  /** Delivers what is kept there, at this broker and at any later one. */
  keepIn(keeping: Keeping): void {
    this.#keeping = keeping;
    this.#publisher.carry(keeping.backlog);
  }

  /** Leaves one broker, or one set of topics, for another, where nothing is retained yet. */
  async move(loaded: LoadedConfig): Promise<void> {
    this.#leaving = true;
    await this.#publisher.stop();
    if (this.#stopped) return;
    this.#before = this.status();
    [this.#messenger, this.#publisher] = this.#prepare(loaded);
    this.#leaving = false;
    if (this.#keeping !== undefined) this.#publisher.carry(this.#keeping.backlog);
    this.start();
  }

  /** Leaves, once the broker has confirmed the last words. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restoring);
    await this.#publisher.stop();
    await this.#keeping?.close();
  }

  /** Someone else wrote to the topic of the state: the broker's copy is no longer this box's. */
  #heardForeign(message: Readonly<Record<string, unknown>>, live: boolean): void {
    const now = performance.now();
    const known = this.#others.found(now);
    this.#others.heard(message, live, now);
    const other = this.#others.found(now);
    if (other !== undefined && other.session !== known?.session)
      this.#deps.log.error({ other }, 'another box reports under this name: give each its own `box`');
    if (!live || this.#restoring !== undefined) return;
    // The last word counts: one who came and went within the time would leave this box `offline`.
    this.#restoring = setTimeout(
      () => {
        this.#restoring = undefined;
        this.#restoredAt = performance.now();
        this.repeat('state');
      },
      Math.max(0, this.#restoredAt + RESTORE_EVERY_MS - now),
    );
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
      bootId: this.bootId,
    };
    const publisher = new Publisher(
      brokerOptions(mqtt, { password: secrets.mqtt, ...secrets.tls }, `wayside-${site}-${box}`),
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
