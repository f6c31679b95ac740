import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** CONNACK of MQTT 5 with the reason 0x84, unsupported protocol version, and no properties. */
const REFUSAL = Uint8Array.of(0x20, 3, 0, 0x84, 0);

/** Protocol level in a CONNECT (MQTT 3.1.1 and 5, 3.1.2.2): behind the fixed header, whose length takes 1 to 4 bytes, and the name. */
function levelOf(bytes: Buffer): number | undefined {
  let at = 1;
  while (((bytes[at] ?? 0) & 0x80) !== 0) at++;
  return bytes[at + 1 + 2 + 4];
}

/** A gateway before a real broker that lets only MQTT 3.1.1 through. */
export class Level4Gateway {
  readonly #server: Server;
  readonly #open = new Set<Socket>();

  private constructor(brokerPort: () => number) {
    this.#server = createServer((client) => {
      this.#keep(client);
      client.once('data', (first) => {
        if (levelOf(first) !== 4) {
          client.end(REFUSAL);
          return;
        }
        const broker = connect(brokerPort(), '127.0.0.1');
        this.#keep(broker);
        broker.write(first);
        broker.pipe(client).pipe(broker);
        broker.on('close', () => client.destroy());
        client.on('close', () => broker.destroy());
      });
    });
  }

  /** @param brokerPort asked at every connection */
  static async start(brokerPort: () => number): Promise<Level4Gateway> {
    const gateway = new Level4Gateway(brokerPort);
    await once(gateway.#server.listen(0, '127.0.0.1'), 'listening');
    return gateway;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `mqtt://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on('error', () => undefined); // the broker is stopped, or the daemon
    socket.on('close', () => this.#open.delete(socket));
  }
}
