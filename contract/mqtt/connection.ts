import type { IClientPublishOptions, IPublishPacket, MqttClient } from 'mqtt';
import { messageOf } from '../../core/errors.ts';
import { filterFits } from './filter.ts';
import { publishPacket } from './publish-packet.ts';
import { SubscriptionQuality } from './subscription-quality.ts';
import type { Transport } from './transport.ts';

/** MQTT 5 and MQTT 3.1.1, by the protocol level in CONNECT. */
export type ProtocolLevel = 5 | 4;

/** A message on its way, and how it goes. */
interface Outgoing {
  readonly topic: string;
  readonly payload: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** MQTT 5 only. */
  readonly expirySeconds?: number;
}

/** What the broker said of a message of quality 1: nothing, a reason code of MQTT 5 (3.4.2.1), or that the connection ended first. */
export type Acknowledgement = { readonly refused?: { readonly code: number | undefined; readonly reason: string } };

interface SubscribeOptions {
  readonly qos?: 0 | 1;
  readonly own?: boolean;
  readonly again?: boolean;
}

interface ConnectionListeners {
  readonly onPingRequest: () => void;
  readonly onPingResponse: () => void;
}

/** Type 12, nothing else (MQTT 5, 3.12.1). */
const PINGREQ = Buffer.from([0xc0, 0]);

/** One connection to the broker, from CONNACK to its end. */
export class Connection {
  readonly level: ProtocolLevel;
  readonly #client: MqttClient;
  readonly #transport: Transport;
  readonly #hearers = new Map<string, (packet: IPublishPacket) => void>();
  readonly #quality: SubscriptionQuality;
  #onPingRequest: () => void = () => undefined;

  constructor(
    client: MqttClient,
    transport: Transport,
    level: ProtocolLevel,
    quality: SubscriptionQuality = new SubscriptionQuality(),
  ) {
    this.#quality = quality;
    this.#client = client;
    this.#transport = transport;
    this.level = level;
  }

  /** To be called once; the keep-alive of the client is told as well. */
  listen({ onPingRequest, onPingResponse }: ConnectionListeners): void {
    this.#onPingRequest = onPingRequest;
    this.#client.on('packetsend', ({ cmd }) => {
      if (cmd === 'pingreq') onPingRequest();
    });
    this.#client.on('packetreceive', ({ cmd }) => {
      if (cmd === 'pingresp') onPingResponse();
    });
  }

  /** What is of quality 0 and not retained has no answer: it goes past the client, in order with everything else. */
  publish(message: Outgoing, done?: (answer: Acknowledgement) => void): void {
    const { topic, payload, qos, retain } = message;
    const expirySeconds = message.expirySeconds === undefined ? undefined : Math.ceil(message.expirySeconds);
    if (qos === 0 && !retain) {
      const { stream } = this.#transport;
      if (stream.writable) stream.write(publishPacket({ topic, payload, expirySeconds }, this.level));
      return;
    }
    const options: IClientPublishOptions = { qos, retain };
    if (this.level === 5 && payload !== '') {
      options.properties = { contentType: 'application/json' };
      if (expirySeconds !== undefined) options.properties.messageExpiryInterval = expirySeconds;
    }
    this.#client.publish(topic, payload, options, (error) => {
      if (!error) done?.({});
      else done?.({ refused: { code: 'code' in error ? Number(error.code) : undefined, reason: error.message } });
    });
  }

  /**
   * Hears the topics that a filter names; without what this connection itself publishes, under MQTT 5.
   *
   * @param options.qos the most that is asked for: 1 for what must not be lost on the way, where the broker lets it
   * @param options.own hears what it publishes itself under MQTT 5 as well
   * @param options.again it was asked for on this connection: what is retained is wanted only where the broker has lost it (MQTT 5)
   * @returns whether the broker granted it
   * @throws when the connection ends before it answers
   */
  async subscribe(
    filter: string,
    onMessage: (packet: IPublishPacket) => void,
    { qos = 0, own = false, again = false }: SubscribeOptions = {},
  ): Promise<boolean> {
    if (this.#hearers.size === 0) this.#client.on('message', (_topic, _payload, packet) => this.#heard(packet));
    this.#hearers.set(filter, onMessage);
    return await this.#subscribe(filter, { qos, own, again });
  }

  unsubscribe(filter: string): void {
    this.#hearers.delete(filter);
    this.#client.unsubscribe(filter);
  }

  /** Goes over from one subscription to a part of it, for the same hearer. */
  narrow(from: string, to: string): void {
    const onMessage = this.#hearers.get(from);
    this.unsubscribe(from);
    if (onMessage !== undefined) this.#hearers.set(to, onMessage);
    this.#subscribe(to, { qos: 0, own: false, again: false }).catch(() => undefined); // the connection ended: so did what it heard
  }

  async #subscribe(filter: string, { qos: wanted, own, again }: Required<SubscribeOptions>): Promise<boolean> {
    const quality = this.#quality;
    const qos = wanted === 1 ? quality.most : 0;
    // 3.8.3.1: `rh` 1 for retained messages only where the subscription did not exist.
    const options = this.level === 5 ? { qos, nl: !own, rh: again ? 1 : 0 } : { qos };
    return await new Promise((resolve, reject) => {
      this.#client.subscribe(filter, options, (error, granted) => {
        const refused = error !== null && 'code' in error && Number(error.code) >= 128;
        if (error && !refused) {
          quality.endedOver();
          reject(error);
          return;
        }
        if (qos === quality.most) quality.granted();
        resolve(!refused && (granted?.every((each) => each.qos < 128) ?? false));
      });
    });
  }

  #heard(packet: IPublishPacket): void {
    for (const [filter, onMessage] of this.#hearers) if (filterFits(filter, packet.topic)) onMessage(packet);
  }

  /** Past the client, as what has no answer goes: one asks for a confirmation several times a second. Its answer the client hears. */
  ping(): void {
    const { stream } = this.#transport;
    if (!stream.writable) return;
    stream.write(PINGREQ);
    this.#onPingRequest();
  }

  /** Leaves the connection and everything the kernel still holds of it; the client's `close` follows. */
  reset(): void {
    this.#transport.reset();
  }

  /** Ends cleanly, so that no last will is sent; resets when the broker does not confirm in time. @returns what went wrong */
  async endCleanly(graceMs: number): Promise<string | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), graceMs);
    });
    try {
      if ((await Promise.race([this.#client.endAsync(false), late])) !== 'late') return undefined;
      this.abandon();
      return 'the broker did not confirm in time';
    } catch (cause) {
      this.abandon();
      return messageOf(cause);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends at once, for good: the broker sends the last will. */
  abandon(): void {
    this.reset();
    this.#client.end(true);
  }
}
