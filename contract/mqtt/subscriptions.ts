import type { IPublishPacket } from 'mqtt';
import type { Log } from '../../core/log.ts';
import type { Connection } from './connection.ts';

export type Hear = (packet: IPublishPacket) => void;

/**
 * A broker of several nodes may confirm a subscription and lose it later, with what it still held of this client on a node that was
 * killed (RabbitMQ 3.10, which clears up after that node for a minute and more: one box in ten was connected and heard nothing).
 * So each is asked for again, soon after the connection was made and then ever more rarely.
 */
const AGAIN = { firstMs: 5000, longestMs: 600_000 };

/**
 * What is listened to, kept over connections: asked for anew at each, because every session begins clean.
 *
 * A broker may deliver a message once for each filter that fits it (MQTT 5, 3.3.4): what must not be done twice has an `id`.
 */
export class Subscriptions {
  readonly #log: Log;
  readonly #hearers = new Map<string, Hear>();
  readonly #firstMs: number;
  readonly #onAsked: () => void;
  #connection: Connection | undefined;
  #again: NodeJS.Timeout | undefined;

  /**
   * @param options.firstMs after which time each is asked for again; then after twice as long, and so on
   * @param options.onAsked each was asked for again
   */
  constructor(
    log: Log,
    { firstMs = AGAIN.firstMs, onAsked = () => {} }: { readonly firstMs?: number; readonly onAsked?: () => void } = {},
  ) {
    this.#log = log;
    this.#firstMs = firstMs;
    this.#onAsked = onAsked;
  }

  /** Listens to a topic, or to all that a filter names; one hearer a filter. */
  add(filter: string, hear: Hear): void {
    this.#hearers.set(filter, hear);
    if (this.#connection !== undefined) this.#ask(this.#connection, filter);
  }

  remove(filter: string): void {
    if (this.#hearers.delete(filter)) this.#connection?.unsubscribe(filter);
  }

  connected(connection: Connection): void {
    this.#connection = connection;
    for (const filter of this.#hearers.keys()) this.#ask(connection, filter);
    this.#askAgain(connection, this.#firstMs);
  }

  disconnected(): void {
    clearTimeout(this.#again);
    this.#connection = undefined;
  }

  #askAgain(connection: Connection, afterMs: number): void {
    clearTimeout(this.#again);
    this.#again = setTimeout(() => {
      for (const filter of this.#hearers.keys()) this.#ask(connection, filter, true);
      this.#onAsked();
      this.#askAgain(connection, Math.min(2 * afterMs, AGAIN.longestMs));
    }, afterMs);
  }

  #ask(connection: Connection, filter: string, again = false): void {
    connection
      .subscribe(filter, (packet) => this.#hearers.get(filter)?.(packet), { qos: 1, again })
      .then(
        (granted) => {
          if (!granted && !again)
            this.#log.error({ filter, hint: 'let the box read this topic' }, 'subscription refused');
        },
        (cause: unknown) => this.#log.warn({ filter, err: cause }, 'the connection ended over a subscription'),
      );
  }
}
