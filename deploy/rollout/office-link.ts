import type { IPublishPacket } from 'mqtt';
import { ON_WIRE } from '../../contract/messages/delivery.ts';
import type { BrokerOptions } from '../../contract/mqtt/attempt.ts';
import type { Connection } from '../../contract/mqtt/connection.ts';
import { Subscriber } from '../../contract/mqtt/subscriber.ts';
import { messageOf, WaysideError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

/** Published and not confirmed at most: mosquitto takes 20 without being asked (`max_inflight_messages`). */
const WINDOW = 20;

interface Waiting {
  readonly topic: string;
  readonly payload: string;
  readonly done: () => void;
  readonly refused: (error: WaysideError) => void;
}

/**
 * The office's connection to the broker: hears, and publishes retained messages that are confirmed or refused. What is not
 * confirmed when a connection ends goes again at the next; of one topic only the newest waits.
 */
export class OfficeLink {
  readonly #subscriber: Subscriber;
  #connection: Connection | undefined;
  readonly #waiting = new Map<string, Waiting>();
  readonly #underWay = new Map<string, Waiting>();
  /** Since when the office hears, ms since the epoch; undefined while it has no connection. */
  hearingSince: number | undefined;
  published = 0;

  constructor(broker: Pick<BrokerOptions, 'url' | 'clientId'> & Partial<BrokerOptions>, log: Log) {
    const lost = (): void => {
      this.hearingSince = undefined;
      this.#connection = undefined;
    };
    this.#subscriber = new Subscriber(broker, log, (connection) => this.#connected(connection), lost);
  }

  /** Under MQTT 3.1.1 a broker confirms also what it refuses. */
  get level(): number {
    return this.#connection?.level ?? 5;
  }

  /** @throws {WaysideError} BROKER_UNAVAILABLE */
  async open(): Promise<void> {
    try {
      await this.#subscriber.open();
    } catch (cause) {
      throw new WaysideError('BROKER_UNAVAILABLE', {
        message: `no connection to the broker: ${messageOf(cause)}`,
        cause,
      });
    }
  }

  hear(filter: string, hear: (packet: IPublishPacket) => void): void {
    this.#subscriber.subscribe(filter, hear);
  }

  /**
   * Publishes a retained message; an empty one removes it. Resolves when the broker has it, or when a newer one of its topic took
   * its place.
   *
   * @throws {WaysideError} BROKER_REFUSED
   */
  async publish(topic: string, payload: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#waiting.get(topic)?.done();
      this.#waiting.set(topic, { topic, payload, done: resolve, refused: reject });
      this.#send();
    });
  }

  /** What the broker has not confirmed is told to who waits for it. */
  async close(): Promise<void> {
    await this.#subscriber.close();
    const message = 'the connection was closed before the broker confirmed';
    for (const { topic, refused } of [...this.#waiting.values(), ...this.#underWay.values()])
      refused(new WaysideError('BROKER_UNAVAILABLE', { message: `${topic}: ${message}` }));
    this.#waiting.clear();
    this.#underWay.clear();
  }

  #connected(connection: Connection): void {
    this.hearingSince = Date.now();
    this.#connection = connection;
    for (const [topic, message] of this.#underWay) {
      if (this.#waiting.has(topic)) message.done();
      else this.#waiting.set(topic, message);
    }
    this.#underWay.clear();
    this.#send();
  }

  #send(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    for (const [topic, message] of this.#waiting) {
      if (this.#underWay.size >= WINDOW) return;
      if (this.#underWay.has(topic)) continue;
      this.#waiting.delete(topic);
      this.#underWay.set(topic, message);
      this.published++;
      connection.publish({ topic, payload: message.payload, ...ON_WIRE.retained }, ({ refused }) => {
        // The connection ended first: it goes again at the next one.
        if (refused !== undefined && refused.code === undefined) return;
        if (this.#underWay.get(topic) !== message) return;
        this.#underWay.delete(topic);
        if (refused === undefined) message.done();
        else message.refused(refusal(topic, refused.reason));
        this.#send();
      });
    }
  }
}

const refusal = (topic: string, reason: string): WaysideError =>
  new WaysideError('BROKER_REFUSED', {
    message: `the broker does not let this user write ${topic}: ${reason}`,
    hint: 'use the office’s user: see docs/guide/rollout.md',
  });
