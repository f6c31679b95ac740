import type { Log } from '../../core/log.ts';
import type { Connection } from './connection.ts';

/** A message that was confirmed comes back within this, or not at all. */
const WITHIN_MS = 20_000;
/** Connections in a row on which nothing came back: then it is the broker that does not let the topic be read. */
const MOST_IN_VAIN = 3;

/**
 * Whether this client hears what the broker delivers, by a topic that it writes itself.
 *
 * A broker of several nodes may keep a connection and deliver nothing on it any more: RabbitMQ 3.10, after a node was killed, to one
 * box in twenty, with every subscription confirmed. Where the topic was never heard nothing is concluded: the client may not be allowed
 * to read it.
 */
export class Hearing {
  readonly #topic: string;
  readonly #log: Log;
  readonly #withinMs: number;
  #connection: Connection | undefined;
  #waiting: NodeJS.Timeout | undefined;
  /** Whether the broker lets the topic be listened to; undefined until it was asked. */
  #allowed: boolean | undefined;
  /** On any connection to this broker. */
  #everHeard = false;
  #inVain = 0;

  constructor(topic: string, log: Log, withinMs = WITHIN_MS) {
    this.#topic = topic;
    this.#log = log;
    this.#withinMs = withinMs;
  }

  connected(connection: Connection): void {
    this.#connection = connection;
    this.ask();
  }

  /** Listens, where the broker allows it: with the quality of what is to be heard, so that both go the same way. */
  ask(): void {
    if (this.#allowed === false) return;
    const heard = this.#connection?.subscribe(this.#topic, () => this.#heard(), { qos: 1, own: true });
    heard?.then(
      (granted) => {
        this.#allowed = granted;
      },
      () => {
        // AWS IoT Core, for one, ends the connection over a subscription that its policy does not allow.
        this.#allowed ??= false;
      },
    );
  }

  disconnected(): void {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    this.#connection = undefined;
  }

  /** A message left for the broker. */
  sent(topic: string): void {
    if (topic !== this.#topic || this.#connection === undefined || !this.#everHeard) return;
    this.#waiting ??= setTimeout(() => this.#nothingHeard(), this.#withinMs);
  }

  #heard(): void {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    this.#everHeard = true;
    this.#inVain = 0;
  }

  #nothingHeard(): void {
    this.#waiting = undefined;
    if (++this.#inVain > MOST_IN_VAIN) {
      this.#everHeard = false;
      return;
    }
    this.#log.warn(
      { topic: this.#topic },
      'the broker delivers nothing on this connection any more: a new one is made',
    );
    this.#connection?.reset();
  }
}
