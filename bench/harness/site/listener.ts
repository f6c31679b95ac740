import { randomUUID } from 'node:crypto';
import { readMessage } from '../../../contract/messages/heard.ts';
import { type KindName, MESSAGE_KINDS, type MessageOf } from '../../../contract/messages/kinds.ts';
import { topicUnder } from '../../../contract/messages/topics.ts';
import { Subscriber } from '../../../contract/mqtt/subscriber.ts';
import { createLog } from '../../../core/log.ts';

/** A message as it arrived. `at` is ms of `performance.now()`. */
export interface Arrival<K extends KindName> {
  readonly at: number;
  readonly message: MessageOf<K>;
  /** Sent from the broker's memory at the subscription, not live. */
  readonly retained: boolean;
}

/** How long to wait, and for what, in words. */
interface Wait {
  readonly timeoutMs: number;
  readonly what: string;
}

type Handler = (payload: Buffer, retained: boolean, at: number) => void;

/**
 * Hears one box, as a control centre would. Reconnects by itself.
 *
 * Every message is checked against its schema: one that does not fit ends the benchmark.
 */
export class Listener {
  readonly #subscriber: Subscriber;
  readonly #root: string;
  readonly #camera: string;
  readonly #handlers = new Map<string, Handler[]>();
  readonly #latest = new Map<KindName, Arrival<KindName>>();
  readonly #failed: Promise<never>;
  #reject: (reason: unknown) => void = () => undefined;

  constructor(subscriber: Subscriber, root: string, camera: string) {
    this.#subscriber = subscriber;
    this.#root = root;
    this.#camera = camera;
    this.#failed = new Promise((_, reject) => {
      this.#reject = reject;
      subscriber.subscribe(`${root}/#`, ({ topic, payload, retain }) => {
        const at = performance.now();
        try {
          for (const handler of this.#handlers.get(topic) ?? []) handler(Buffer.from(payload), retain, at);
        } catch (cause) {
          reject(cause);
        }
      });
    });
    this.#failed.catch(() => undefined); // seen by whoever waits
    for (const kind of ['state', 'camera-status'] as const) this.on(kind, (arrival) => this.#latest.set(kind, arrival));
  }

  /** Calls `hear` for every message of a kind from now on; answers how to stop. */
  on<K extends KindName>(kind: K, hear: (arrival: Arrival<K>) => void): () => void {
    const topic = topicUnder(this.#root, MESSAGE_KINDS[kind].topic, { camera: this.#camera });
    const handler: Handler = (payload, retained, at) => {
      const message = readMessage(kind, payload);
      if (message !== undefined) hear({ at, retained, message });
    };
    this.#handlers.set(topic, [...(this.#handlers.get(topic) ?? []), handler]);
    return () => {
      this.#handlers.set(
        topic,
        (this.#handlers.get(topic) ?? []).filter((other) => other !== handler),
      );
    };
  }

  /**
   * The first message of a kind, from now on, that fits.
   *
   * @throws {Error} after `timeoutMs`, naming what was waited for
   */
  async until<K extends KindName>(
    kind: K,
    fits: (arrival: Arrival<K>) => boolean,
    { timeoutMs, what }: Wait,
  ): Promise<Arrival<K>> {
    let stop = (): void => undefined;
    let timer: NodeJS.Timeout | undefined;
    let last: Arrival<K> | undefined;
    const heard = new Promise<Arrival<K>>((resolve, reject) => {
      stop = this.on(kind, (arrival) => {
        last = arrival;
        if (fits(arrival)) resolve(arrival);
      });
      timer = setTimeout(() => {
        reject(
          new Error(
            `waited ${timeoutMs / 1000} s for ${what}; last ${kind}: ${last === undefined ? 'none' : JSON.stringify(last.message)}`,
          ),
        );
      }, timeoutMs);
    });
    try {
      return await Promise.race([heard, this.#failed]);
    } finally {
      stop();
      clearTimeout(timer);
    }
  }

  /** The same for what lasts (`state`, `camera-status`): fulfilled at once where the last one heard fits. */
  async untilNow<K extends 'state' | 'camera-status'>(
    kind: K,
    fits: (arrival: Arrival<K>) => boolean,
    options: Wait,
  ): Promise<void> {
    const latest = this.#latest.get(kind) as Arrival<K> | undefined;
    if (latest === undefined || !fits(latest)) await this.until(kind, fits, options);
  }

  /** Ends every wait, now and later, with this reason. */
  fail(reason: Error): void {
    this.#reject(reason);
  }

  async close(): Promise<void> {
    await this.#subscriber.close();
  }
}

/** @param root `wayside/v1/SITE/BOX` */
export async function listenTo(url: string, root: string, camera: string): Promise<Listener> {
  const subscriber = new Subscriber({ url, clientId: `bench-${randomUUID().slice(0, 8)}` }, createLog('listener'));
  const listener = new Listener(subscriber, root, camera);
  await subscriber.open();
  return listener;
}
