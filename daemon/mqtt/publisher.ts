import type { IClientPublishOptions, MqttClient } from 'mqtt';
import type { Log } from '../../core/log.ts';
import { backoffMs } from '../backoff.ts';
import { attempt, type BrokerOptions, endCleanly, type Failure, type ProtocolLevel, type Will } from './attempt.ts';

export interface PublisherStatus {
  readonly connected: boolean;
  readonly protocol: ProtocolLevel;
  /** Connections made beyond the first. */
  readonly reconnects: number;
  /** Messages of quality 0 that were not sent: no connection, or one too slow. */
  readonly dropped: number;
  /** ms of `performance.now()`; only while waiting to try again. */
  readonly nextAttemptAt: number | undefined;
  /** When the attempt under way began, ms of `performance.now()`; only while it is. */
  readonly attemptSince: number | undefined;
}

const BACKOFF = { firstMs: 500, longestMs: 30_000 };

/** A connection that lived this long was none of a fight over a client id (MQTT.js#1585): waiting times start anew. */
const LIVED_MS = 20_000;

/**
 * QoS 0 messages the socket has not taken yet. mqtt.js buffers without bound: 64 frames of about 1 KB are already several
 * seconds of a connection that does not keep up, and what is older is worthless.
 */
const MAX_WAITING = 64;

/**
 * Publishes to one broker and keeps the connection. MQTT 5, or 3.1.1 where the broker refuses 5.
 *
 * Retained topics are functions of the present: each is made anew and published at every connection, so that a broker
 * that lost its memory, or that sent the last will meanwhile, is right again (zigbee2mqtt#9629). Everything else is
 * published at once or dropped and counted.
 */
export class Publisher {
  readonly #broker: BrokerOptions;
  readonly #will: () => Will;
  readonly #log: Log;
  readonly #retained = new Map<string, () => string>();
  #client: MqttClient | undefined;
  #connected = false;
  #stopped = false;
  #level: ProtocolLevel = 5;
  #connections = 0;
  #failures = 0;
  #since = 0;
  #attemptSince: number | undefined;
  #nextAttemptAt: number | undefined;
  #retry: NodeJS.Timeout | undefined;
  #waiting = 0;
  #dropped = 0;

  /** @param will makes the last will, at every connection */
  constructor(broker: BrokerOptions, will: () => Will, log: Log) {
    this.#broker = broker;
    this.#will = will;
    this.#log = log;
  }

  status(): PublisherStatus {
    return {
      connected: this.#connected,
      protocol: this.#level,
      reconnects: Math.max(0, this.#connections - 1),
      dropped: this.#dropped,
      nextAttemptAt: this.#nextAttemptAt,
      attemptSince: this.#attemptSince,
    };
  }

  start(): void {
    this.#connect();
  }

  /** Sets what a retained topic holds, now and at every later connection. */
  retain(topic: string, make: () => string): void {
    this.#retained.set(topic, make);
    if (this.#connected) this.#publishRetained(topic, make);
  }

  /** Removes a retained topic from the broker, now or at the next connection. */
  clear(topic: string): void {
    this.retain(topic, () => '');
  }

  /**
   * Publishes with quality 0, or drops.
   *
   * @param expirySeconds message expiry, under MQTT 5
   */
  send(topic: string, payload: string, expirySeconds: number): boolean {
    const client = this.#client;
    if (!this.#connected || client === undefined || this.#waiting >= MAX_WAITING) {
      this.#dropped++;
      return false;
    }
    this.#waiting++;
    const properties = { contentType: 'application/json', messageExpiryInterval: Math.ceil(expirySeconds) };
    client.publish(topic, payload, this.#level === 5 ? { qos: 0, properties } : { qos: 0 }, () => {
      if (client === this.#client) this.#waiting--;
    });
    return true;
  }

  /** Disconnects without the last will, once the broker has confirmed what was published. */
  async stop(graceMs = 2000): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    const client = this.#client;
    if (client === undefined) return;
    if (!this.#connected) {
      client.end(true);
      return;
    }
    const problem = await endCleanly(client, graceMs);
    this.#connected = false;
    if (problem !== undefined) this.#log.warn({ reason: problem }, 'the broker may not have the last messages');
  }

  #connect(): void {
    this.#nextAttemptAt = undefined;
    this.#attemptSince = performance.now();
    this.#client = attempt(this.#broker, this.#level, this.#will(), {
      onConnected: () => this.#connectedTo(),
      onClosed: (failure) => this.#closed(failure),
    });
  }

  #connectedTo(): void {
    this.#connected = true;
    this.#connections++;
    this.#attemptSince = undefined;
    this.#since = performance.now();
    this.#waiting = 0;
    this.#log.info({ url: this.#broker.url, protocol: this.#level === 5 ? '5' : '3.1.1' }, 'connected to the broker');
    for (const [topic, make] of this.#retained) this.#publishRetained(topic, make);
  }

  #closed(failure: Failure): void {
    const was = this.#connected;
    this.#connected = false;
    this.#client = undefined;
    this.#attemptSince = undefined;
    if (this.#stopped) return;
    if (!was && failure.protocolRefused && this.#level === 5) {
      this.#level = 4;
      this.#log.info({ reason: failure.reason }, 'the broker does not speak MQTT 5: trying 3.1.1');
      this.#connect();
      return;
    }
    // The broker may be another one next time: 5 is asked for again.
    this.#level = 5;
    this.#failures = was && performance.now() - this.#since > LIVED_MS ? 1 : this.#failures + 1;
    const delay = backoffMs(BACKOFF, this.#failures, Math.random());
    const { reason, hint } = failure;
    this.#log.warn({ url: this.#broker.url, reason, hint, retryMs: delay }, 'no connection to the broker');
    this.#nextAttemptAt = performance.now() + delay;
    this.#retry = setTimeout(() => this.#connect(), delay);
  }

  #publishRetained(topic: string, make: () => string): void {
    const payload = make();
    const options: IClientPublishOptions = { qos: 1, retain: true };
    if (this.#level === 5 && payload !== '') options.properties = { contentType: 'application/json' };
    this.#client?.publish(topic, payload, options, (error) => {
      if (error) this.#log.warn({ topic, reason: error.message }, 'a retained message was not confirmed');
      // Removed, unless the topic was taken into use again meanwhile.
      else if (payload === '' && this.#retained.get(topic) === make) this.#retained.delete(topic);
    });
  }
}
