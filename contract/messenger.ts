import { randomUUID } from 'node:crypto';
import type { Clock } from './messages/envelope.ts';
import {
  type KindName,
  MESSAGE_KINDS,
  type MessageKind,
  type MessageOf,
  rootTopic,
  topicOf,
} from './messages/topics.ts';
import type { Publisher } from './mqtt/publisher.ts';

/** What the maker of a message says; the envelope is added here. */
export type Body<K extends KindName> = Omit<
  MessageOf<K>,
  'schema' | 'id' | 'session' | 'seq' | 'capturedAt' | 'publishedAt' | 'clock'
>;

export interface MessengerOptions {
  readonly site: string;
  readonly box: string;
  /** One run of the daemon. */
  readonly session: string;
  readonly clock: () => Clock;
  readonly telemetrySeconds: number;
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
  readonly #sequence = new Map<string, number>();
  #publisher: Publisher | undefined;
  #clock: Clock | undefined;
  #clockReadAt = 0;

  constructor(options: MessengerOptions) {
    this.#options = options;
    this.root = rootTopic(options.site, options.box);
  }

  attach(publisher: Publisher): void {
    this.#publisher = publisher;
  }

  /** The text of a message, with its envelope; takes the next number of its topic. */
  compose<K extends KindName>(kind: K, body: Body<K>, { camera = '', capturedAt = Date.now() } = {}): string {
    const topic = topicOf(this.root, kind, camera);
    const seq = this.#sequence.get(topic) ?? 0;
    this.#sequence.set(topic, seq + 1);
    return JSON.stringify({
      schema: `wayside/v1/${kind}`,
      id: randomUUID(),
      session: this.#options.session,
      seq,
      capturedAt: new Date(capturedAt).toISOString(),
      publishedAt: new Date().toISOString(),
      clock: this.#readClock(),
      ...body,
    });
  }

  /** Keeps a retained topic true: `make` says the present, now and at every later connection. */
  retain<K extends KindName>(kind: K, make: () => Body<K>, camera = ''): void {
    this.#publisher?.retain(topicOf(this.root, kind, camera), () => this.compose(kind, make(), { camera }));
  }

  clear(kind: KindName, camera = ''): void {
    this.#publisher?.clear(topicOf(this.root, kind, camera));
  }

  /** Publishes a retained topic once more. */
  repeat(kind: KindName, camera = ''): void {
    this.#publisher?.repeat(topicOf(this.root, kind, camera));
  }

  /**
   * Says something that is worthless later: sent so that it arrives in time, or dropped.
   *
   * @param about.ageMs how old it is by a clock that makes no steps; its expiry counts from its capture
   */
  send<K extends KindName>(
    kind: K,
    body: Body<K>,
    about: { camera?: string; capturedAt?: number; ageMs?: number } = {},
  ): boolean {
    const { expiry }: MessageKind = MESSAGE_KINDS[kind];
    const seconds =
      expiry === null ? 0 : 'seconds' in expiry ? expiry.seconds : expiry.intervals * this.#options.telemetrySeconds;
    const topic = topicOf(this.root, kind, about.camera);
    const { ageMs = 0 } = about;
    return this.#publisher?.send(topic, this.compose(kind, body, about), seconds, { kind, ageMs }) ?? false;
  }

  #readClock(): Clock {
    const now = performance.now();
    if (this.#clock === undefined || now - this.#clockReadAt > CLOCK_CACHE_MS) {
      this.#clock = this.#options.clock();
      this.#clockReadAt = now;
    }
    return this.#clock;
  }
}
