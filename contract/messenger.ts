import { randomUUID } from 'node:crypto';
import { expirySecondsOf } from './messages/delivery.ts';
import { type Clock, CONTRACT_VERSION } from './messages/envelope.ts';
import {
  type KindDelivered,
  type KindName,
  MESSAGE_KINDS,
  type MessageOf,
  type TopicParameters,
} from './messages/kinds.ts';
import { rootTopic, topicOf } from './messages/topics.ts';
import type { Publisher } from './mqtt/publisher.ts';

/** What the maker of a message says; the envelope is added here. */
export type Body<K extends KindName> = Omit<
  MessageOf<K>,
  'schema' | 'id' | 'session' | 'seq' | 'capturedAt' | 'publishedAt' | 'clock'
>;

interface MessengerOptions {
  readonly site: string;
  readonly box: string;
  /** One run of the daemon. */
  readonly session: string;
  readonly clock: () => Clock;
  readonly telemetrySeconds: number;
}

/** When the fact in a message was observed. */
export interface Observed {
  /** ms since the epoch. @default now */
  readonly capturedAt?: number;
  /** How old it is by a clock that makes no steps; its expiry counts from its capture. @default 0 */
  readonly ageMs?: number;
}

/** A message to be kept: everything but its number, which it gets when it is written. */
export interface JournalEntry {
  readonly kind: string;
  readonly topic: string;
  readonly expirySeconds: number;
  /** ms since the epoch. */
  readonly capturedAt: number;
  /** The message, a JSON object, without `journalSeq`. */
  readonly text: string;
}

/** Asking the kernel for every message would cost more than the message. */
const CLOCK_CACHE_MS = 1000;

/**
 * Wraps what is to be said into messages of the contract and hands them to the publisher.
 *
 * `seq` counts also the messages that could not be sent: the gap is the notice of the loss.
 */
export class Messenger {
  readonly root: string;
  readonly #options: MessengerOptions;
  /** As JSON. */
  readonly #session: string;
  readonly #sequence = new Map<string, number>();
  /** By kind and the values of its parameters: a topic is filled in and checked once, not with every frame. */
  readonly #topics = new Map<string, string>();
  #publisher: Publisher | undefined;
  #clock: string | undefined;
  #clockReadAt = 0;

  constructor(options: MessengerOptions) {
    this.#options = options;
    this.#session = JSON.stringify(options.session);
    this.root = rootTopic(options.site, options.box);
  }

  attach(publisher: Publisher): void {
    this.#publisher = publisher;
  }

  /** The text of a message, with its envelope; takes the next number of its topic. */
  compose<K extends KindName>(kind: K, body: Body<K>, ...parameters: TopicParameters<K>): string {
    return this.#compose(this.#topic(kind, ...parameters), kind, body, Date.now());
  }

  /** Keeps a retained topic true: `make` says the present, now and at every later connection. */
  retain<K extends KindDelivered<'retained'>>(kind: K, make: () => Body<K>, ...parameters: TopicParameters<K>): void {
    const topic = this.#topic(kind, ...parameters);
    this.#publisher?.retain(topic, () => this.#compose(topic, kind, make(), Date.now()));
  }

  clear<K extends KindDelivered<'retained'>>(kind: K, ...parameters: TopicParameters<K>): void {
    this.#publisher?.clear(this.#topic(kind, ...parameters));
  }

  /** Publishes a retained topic once more. */
  repeat<K extends KindDelivered<'retained'>>(kind: K, ...parameters: TopicParameters<K>): void {
    this.#publisher?.repeat(this.#topic(kind, ...parameters));
  }

  /** Says something that is worthless later: sent so that it arrives in time, or dropped. */
  send<K extends KindDelivered<'latest'>>(
    kind: K,
    body: Body<K>,
    { capturedAt = Date.now(), ageMs = 0 }: Observed,
    ...parameters: TopicParameters<K>
  ): boolean {
    const topic = this.#topic(kind, ...parameters);
    const text = this.#compose(topic, kind, body, capturedAt);
    const seconds = expirySecondsOf(MESSAGE_KINDS[kind].delivery, this.#options.telemetrySeconds);
    return this.#publisher?.send(topic, text, seconds, { kind, ageMs }) ?? false;
  }

  /** A message for the journal, which adds its number: everything else of it is said now, however long it then waits. */
  entry<K extends KindDelivered<'journalled'>>(
    kind: K,
    body: Omit<Body<K>, 'journalSeq'>,
    { capturedAt = Date.now() }: Pick<Observed, 'capturedAt'>,
    ...parameters: TopicParameters<K>
  ): JournalEntry {
    const topic = this.#topic(kind, ...parameters);
    const expirySeconds = expirySecondsOf(MESSAGE_KINDS[kind].delivery, this.#options.telemetrySeconds);
    return { kind, topic, expirySeconds, capturedAt, text: this.#compose(topic, kind, body, capturedAt) };
  }

  #topic<K extends KindName>(kind: K, ...parameters: TopicParameters<K>): string {
    const key = [kind, ...Object.values(parameters[0] ?? {})].join('/');
    const known = this.#topics.get(key);
    if (known !== undefined) return known;
    const topic = topicOf(this.root, kind, ...parameters);
    this.#topics.set(key, topic);
    return topic;
  }

  #compose(topic: string, kind: KindName, body: object, capturedAt: number): string {
    const seq = this.#sequence.get(topic) ?? 0;
    this.#sequence.set(topic, seq + 1);
    // Joined as text: nothing of the envelope needs escaping, and neither it nor the body is copied to be one object.
    const envelope =
      `{"schema":"wayside/v${CONTRACT_VERSION}/${kind}","id":"${randomUUID()}","session":${this.#session},"seq":${seq},` +
      `"capturedAt":"${new Date(capturedAt).toISOString()}","publishedAt":"${new Date().toISOString()}","clock":${this.#readClock()}`;
    const rest = JSON.stringify(body);
    return rest === '{}' ? `${envelope}}` : `${envelope},${rest.slice(1)}`;
  }

  /** As JSON. */
  #readClock(): string {
    const now = performance.now();
    if (this.#clock === undefined || now - this.#clockReadAt > CLOCK_CACHE_MS) {
      this.#clock = JSON.stringify(this.#options.clock());
      this.#clockReadAt = now;
    }
    return this.#clock;
  }
}
