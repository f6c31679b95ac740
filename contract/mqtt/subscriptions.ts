import type { IPublishPacket } from 'mqtt';
import type { Log } from '../../core/log.ts';
import type { Connection } from './connection.ts';

export type Hear = (packet: IPublishPacket) => void;

/**
 * What is listened to, kept over connections: asked for anew at each, because every session begins clean.
 *
 * A broker may deliver a message once for each filter that fits it (MQTT 5, 3.3.4): what must not be done twice has an `id`.
 */
export class Subscriptions {
  readonly #log: Log;
  readonly #hearers = new Map<string, Hear>();
  #connection: Connection | undefined;

  constructor(log: Log) {
    this.#log = log;
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
  }

  disconnected(): void {
    this.#connection = undefined;
  }

  #ask(connection: Connection, filter: string): void {
    connection
      .subscribe(filter, (packet) => this.#hearers.get(filter)?.(packet), { qos: 1 })
      .then(
        (granted) => {
          if (!granted) this.#log.error({ filter, hint: 'let the box read this topic' }, 'subscription refused');
        },
        (cause: unknown) => this.#log.warn({ filter, err: cause }, 'the connection ended over a subscription'),
      );
  }
}
