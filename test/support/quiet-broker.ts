import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { Aedes, type Client } from 'aedes';

export interface QuietBrokerOptions {
  /** A topic of which everything is confirmed and thrown away, as brokers of MQTT 3.1.1 do with what they do not allow. */
  readonly swallows?: (topic: string) => boolean;
  /** A topic of which nothing is ever confirmed. */
  readonly holds?: (topic: string) => boolean;
  /** A topic over which a connection ends when it is subscribed to. */
  readonly endsOver?: (topic: string, qos: number) => boolean;
}

/** An embedded broker of MQTT 3.1.1 on a fixed port, which keeps what is retained until it is closed. */
export class QuietBroker {
  readonly retained = new Map<string, string>();
  readonly heard: string[] = [];
  readonly #port: number;
  readonly #swallows: (topic: string) => boolean;
  readonly #holds: (topic: string) => boolean;
  readonly #endsOver: (topic: string, qos: number) => boolean;
  /** Connections that were accepted, and the client id of each. */
  connections = 0;
  readonly clientIds: string[] = [];
  readonly #clients = new Set<Client>();
  readonly #asked: [Client, string][] = [];
  #aedes: Aedes | undefined;
  #server: Server | undefined;

  constructor(
    port: number,
    { swallows = () => false, holds = () => false, endsOver = () => false }: QuietBrokerOptions = {},
  ) {
    this.#holds = holds;
    this.#endsOver = endsOver;
    this.#port = port;
    this.#swallows = swallows;
  }

  async open(): Promise<void> {
    this.retained.clear();
    this.#aedes = await Aedes.createBroker({
      authorizeSubscribe: (_client, asked, done) =>
        this.#endsOver(asked.topic, asked.qos) ? done(new Error('not allowed')) : done(null, asked),
      authorizePublish: (_client, packet, done) => {
        if (!this.#holds(packet.topic)) done(null);
      },
      authorizeForward: (_client, packet) => (this.#swallows(packet.topic) ? null : packet),
    });
    this.#aedes.on('publish', (packet) => {
      if (packet.topic.startsWith('$')) return;
      this.heard.push(packet.topic);
      if (packet.retain) this.retained.set(packet.topic, packet.payload.toString());
    });
    this.#aedes.on('clientReady', (client) => {
      this.connections++;
      this.clientIds.push(client.id);
      this.#clients.add(client);
    });
    this.#aedes.on('subscribe', (asked, client) => {
      for (const { topic } of asked) this.#asked.push([client, topic]);
    });
    this.#server = createServer(this.#aedes.handle).listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  /** Loses all subscriptions and keeps the connections. */
  async forgetSubscriptions(): Promise<void> {
    for (const [client, topic] of this.#asked.splice(0))
      await new Promise<void>((resolve, reject) =>
        client.unsubscribe({ cmd: 'unsubscribe', unsubscriptions: [topic] }, (error) =>
          error ? reject(error) : resolve(),
        ),
      );
  }

  /** Ends all connections without a word. */
  cut(): void {
    for (const client of this.#clients) client.conn.destroy();
    this.#clients.clear();
  }

  /** Speaks as another client would. */
  async say(topic: string, message: object): Promise<void> {
    const packet = {
      cmd: 'publish',
      topic,
      payload: JSON.stringify(message),
      qos: 1,
      retain: true,
      dup: false,
    } as const;
    await new Promise<void>((resolve, reject) =>
      this.#aedes?.publish(packet, (error) => (error ? reject(error) : resolve())),
    );
  }

  async close(): Promise<void> {
    this.#server?.close();
    await new Promise<void>((resolve) => (this.#aedes === undefined ? resolve() : this.#aedes.close(() => resolve())));
  }
}
