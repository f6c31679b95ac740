import { backoffMs } from '../../core/backoff.ts';
import type { Log } from '../../core/log.ts';
import { attempt, type BrokerOptions, type Failure, type Will } from './attempt.ts';
import type { Backlog } from './backlog.ts';
import type { Connection, ProtocolLevel } from './connection.ts';
import { Hearing } from './hearing.ts';
import type { LatestOptions } from './latest-lane.ts';
import { Outbox } from './outbox.ts';
import { type OwnTopics, ReadBack } from './read-back.ts';
import { SubscriptionQuality } from './subscription-quality.ts';
import { type Hear, Subscriptions } from './subscriptions.ts';

/** A topic that the broker does not let the box write to. */
interface RefusedTopic {
  readonly topic: string;
  readonly reason: string;
}

export interface PublisherStatus {
  readonly connected: boolean;
  readonly protocol: ProtocolLevel;
  /** Connections made beyond the first. */
  readonly reconnects: number;
  /** Connections reset because what was under way would have arrived too late. */
  readonly resets: number;
  /** Messages that expire and were not sent, or not confirmed before the connection ended: all, and by kind. */
  readonly dropped: number;
  readonly droppedByKind: ReadonlyMap<string, number>;
  readonly refusedTopics: readonly RefusedTopic[];
  /** Connections in a row that were lost soon after they were made, and why the last one was: from the third on. */
  readonly unstable: { readonly losses: number; readonly reason: string } | undefined;
  /** ms of `performance.now()`; only while waiting to try again. */
  readonly nextAttemptAt: number | undefined;
  /** When the attempt under way began, ms of `performance.now()`; only while it is. */
  readonly attemptSince: number | undefined;
}

const BACKOFF = { firstMs: 500, longestMs: 30_000 };

/** A connection that lived this long was none of a fight over a client id (MQTT.js#1585): waiting times start anew. */
const LIVED_MS = 20_000;
/** One loss is an accident, two a coincidence. */
const LOSSES = 3;

/**
 * Publishes to one broker and keeps the connection. MQTT 5, or 3.1.1 where the broker refuses 5.
 *
 * Retained topics are functions of the present: each is made anew and published at every connection, so that a broker
 * that lost its memory, or that sent the last will meanwhile, is right again (zigbee2mqtt#9629). Everything else arrives
 * before it is too old or is dropped and counted: see outbox.ts.
 */
export class Publisher {
  readonly #broker: BrokerOptions;
  readonly #will: () => Will | undefined;
  readonly #log: Log;
  readonly #outbox: Outbox;
  readonly #subscriptions: Subscriptions;
  readonly #quality = new SubscriptionQuality();
  readonly #own: OwnTopics | undefined;
  readonly #hearing: Hearing | undefined;
  readonly #refused = new Map<string, RefusedTopic>();
  #readBack: ReadBack | undefined;
  /** Whether this broker lets the box read its own topics; undefined until it was asked. */
  #readable: boolean | undefined;
  #losses = 0;
  #lossReason = '';
  #connection: Connection | undefined;
  #giveUp: (() => void) | undefined;
  #stopped = false;
  #level: ProtocolLevel = 5;
  #connections = 0;
  #resets = 0;
  #failures = 0;
  #since = 0;
  #attemptSince: number | undefined;
  #nextAttemptAt: number | undefined;
  #retry: NodeJS.Timeout | undefined;

  /**
   * @param will makes the last will, at every connection; nothing for who leaves none
   * @param own where to read back what was published; without it nothing is read
   * @param echo a topic of its own by which it notices that it is deaf; what is listened to is worth nothing then
   */
  constructor(broker: BrokerOptions, will: () => Will | undefined, log: Log, own?: OwnTopics, echo?: string) {
    this.#broker = broker;
    this.#will = will;
    this.#log = log;
    this.#own = own;
    this.#subscriptions = new Subscriptions(log, { onAsked: () => this.#askForEcho(echo) });
    this.#hearing = echo === undefined ? undefined : new Hearing(echo, log);
    this.#outbox = new Outbox({
      onAnswer: (topic, refusal) => this.#answered(topic, refusal),
      onSent: (topic) => {
        this.#readBack?.sent(topic);
        this.#hearing?.sent(topic);
      },
      onBehind: () => this.#behind(),
      onUnconfirmed: (topic, reason) => log.warn({ topic, reason }, 'a message was not confirmed'),
    });
  }

  status(): PublisherStatus {
    const droppedByKind = this.#outbox.dropped;
    return {
      connected: this.#connection !== undefined,
      protocol: this.#level,
      reconnects: Math.max(0, this.#connections - 1),
      resets: this.#resets,
      dropped: [...droppedByKind.values()].reduce((sum, count) => sum + count, 0),
      droppedByKind,
      refusedTopics: [...this.#refused.values()],
      unstable: this.#losses < LOSSES || this.#lives() ? undefined : { losses: this.#losses, reason: this.#lossReason },
      nextAttemptAt: this.#nextAttemptAt,
      attemptSince: this.#attemptSince,
    };
  }

  start(): void {
    this.#connect();
  }

  /** Sets what a retained topic holds, now and at every later connection. */
  retain(topic: string, make: () => string): void {
    this.#outbox.retain(topic, make);
  }

  /** Removes a retained topic from the broker, now or at the next connection. */
  clear(topic: string): void {
    this.#refused.delete(topic);
    this.#outbox.retain(topic, () => '');
  }

  /** Publishes a retained topic once more, for brokers that give late subscribers no retained messages. */
  repeat(topic: string): void {
    this.#outbox.repeat(topic);
  }

  /**
   * Publishes what is worthless later: so that it arrives before it has expired, or not at all.
   *
   * @returns false when it was dropped at once
   */
  send(
    topic: string,
    payload: string,
    expirySeconds: number,
    { kind = 'other', ageMs = 0 }: Partial<Pick<LatestOptions, 'kind' | 'ageMs'>> = {},
  ): boolean {
    return this.#outbox.send(topic, payload, { kind, expirySeconds, ageMs });
  }

  /** Publishes what a backlog holds, in order, each message until it is confirmed. */
  carry(backlog: Backlog): void {
    this.#outbox.carry(backlog);
  }

  /** Listens to the topics that a filter names, now and at every later connection. @returns ends it */
  subscribe(filter: string, hear: Hear): () => void {
    this.#subscriptions.add(filter, hear);
    return () => this.#subscriptions.remove(filter);
  }

  /** Disconnects without the last will, once the broker has confirmed what was published; with it where it does not in time. */
  async stop(graceMs = 2000): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const connection = this.#connection;
    if (connection === undefined) {
      this.#giveUp?.();
      return;
    }
    const problem = await this.#leave(connection, graceMs);
    this.#connection = undefined;
    this.#readBack?.stop();
    this.#hearing?.disconnected();
    this.#subscriptions.disconnected();
    this.#outbox.disconnected();
    if (problem !== undefined) this.#log.warn({ reason: problem }, 'the broker may not have the last messages');
  }

  /** Without the broker's word for the last state a clean end would leave an older one standing: the last will is to say it. */
  async #leave(connection: Connection, graceMs: number): Promise<string | undefined> {
    if (await this.#outbox.drained(graceMs)) return await connection.endCleanly(graceMs);
    connection.abandon();
    return 'the broker did not confirm in time';
  }

  #connect(): void {
    this.#nextAttemptAt = undefined;
    this.#attemptSince = performance.now();
    const listeners = {
      onConnected: (connection: Connection) => this.#connectedTo(connection),
      onClosed: (failure: Failure) => this.#closed(failure),
    };
    this.#giveUp = attempt(this.#broker, this.#level, this.#will(), listeners, this.#quality);
  }

  #connectedTo(connection: Connection): void {
    this.#connection = connection;
    this.#connections++;
    this.#attemptSince = undefined;
    this.#since = performance.now();
    this.#log.info({ url: this.#broker.url, protocol: this.#level === 5 ? '5' : '3.1.1' }, 'connected to the broker');
    this.#readOwn(connection);
    this.#subscriptions.connected(connection);
    this.#hearing?.connected(connection);
    this.#outbox.connected(connection);
  }

  /** Before anything is published: what the broker remembers of another box is heard before it is overwritten. */
  #readOwn(connection: Connection): void {
    if (this.#own === undefined || this.#readable === false) return;
    const readBack = new ReadBack(this.#own, {
      onAnswer: (topic, refusal) => this.#answered(topic, refusal),
      onReadable: (readable) => this.#setReadable(readable, 'the broker refused the subscription'),
    });
    this.#readBack = readBack;
    readBack.start(connection).catch(() => {
      // AWS IoT Core, for one, ends the connection over a subscription that its policy does not allow.
      if (this.#readable === undefined) this.#setReadable(false, 'the connection ended over the subscription');
    });
  }

  /** Subscriptions were asked for again: whether anything comes of them shows where something is said. */
  #askForEcho(echo: string | undefined): void {
    if (echo === undefined) return;
    this.#hearing?.ask();
    this.#outbox.repeat(echo);
  }

  #setReadable(readable: boolean, why: string): void {
    this.#readable = readable;
    if (!readable)
      this.#log.info({ why }, 'own topics cannot be read: another box of the same name would not be noticed');
  }

  #lives(): boolean {
    return this.#connection !== undefined && performance.now() - this.#since > LIVED_MS;
  }

  #closed(failure: Failure): void {
    const was = this.#connection !== undefined;
    const lived = this.#lives();
    this.#connection = undefined;
    this.#attemptSince = undefined;
    this.#readBack?.stop();
    this.#hearing?.disconnected();
    this.#subscriptions.disconnected();
    this.#outbox.disconnected();
    if (this.#stopped) return;
    if (!was && failure.protocolRefused && this.#level === 5) {
      this.#level = 4;
      this.#log.info({ reason: failure.reason }, 'the broker does not speak MQTT 5: trying 3.1.1');
      this.#connect();
      return;
    }
    // The broker may be another one next time: 5 is asked for again.
    this.#level = 5;
    this.#failures = lived ? 1 : this.#failures + 1;
    const delay = backoffMs(this.#broker.backoff ?? BACKOFF, this.#failures, Math.random());
    const { reason, hint } = failure;
    if (was) this.#lost(lived, reason);
    this.#log.warn({ url: this.#broker.url, reason, hint, retryMs: delay }, 'no connection to the broker');
    this.#nextAttemptAt = performance.now() + delay;
    this.#retry = setTimeout(() => this.#connect(), delay);
  }

  /** Brokers do not say that a session was taken over (mosquitto 2.0.11): connections lost in a row soon after they were made do. */
  #lost(lived: boolean, reason: string): void {
    this.#losses = lived ? 0 : this.#losses + 1;
    this.#lossReason = reason;
    if (this.#losses !== LOSSES) return;
    const hint = `look for another client with the clientId ${this.#broker.clientId}, and for topics that the broker does not let the box use`;
    this.#log.error({ losses: LOSSES, reason, hint }, 'connections to the broker are lost soon after they are made');
  }

  #behind(): void {
    this.#resets++;
    this.#log.warn(
      { url: this.#broker.url },
      'the link to the broker has fallen behind: what it still holds is cut off',
    );
  }

  #answered(topic: string, reason: string | undefined): void {
    const before = this.#refused.get(topic);
    if (reason === undefined) {
      if (this.#refused.delete(topic)) this.#log.info({ topic }, 'the broker takes the topic again');
      return;
    }
    this.#refused.set(topic, { topic, reason });
    if (before === undefined)
      this.#log.error(
        { topic, reason, hint: 'let the box write to this topic: see docs/reference/mqtt.md' },
        'topic refused',
      );
  }
}
