import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What stands before a cluster of brokers: each new connection goes to the next node that takes it, or to the first that does. */
export class Balancer {
  readonly #ports: readonly number[];
  readonly #order: 'next' | 'first';
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #next = 0;
  url = '';

  constructor(ports: readonly number[], order: 'next' | 'first' = 'next') {
    this.#ports = ports;
    this.#order = order;
  }

  async start(): Promise<void> {
    this.#server = createServer((client) => this.#pass(client, this.#order === 'next' ? this.#next++ : 0)).listen(
      0,
      '127.0.0.1',
    );
    await once(this.#server, 'listening');
    const address = this.#server.address();
    this.url = typeof address === 'object' && address !== null ? `mqtt://127.0.0.1:${address.port}` : '';
  }

  stop(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(client: Socket, node: number, tries = this.#ports.length): void {
    const port = this.#ports[node % this.#ports.length];
    if (tries === 0 || port === undefined) {
      client.destroy();
      return;
    }
    const broker = connect(port, '127.0.0.1');
    const refused = (): void => this.#pass(client, node + 1, tries - 1);
    broker.once('error', refused);
    broker.once('connect', () => {
      broker.off('error', refused);
      for (const [socket, other] of [
        [client, broker],
        [broker, client],
      ] as const) {
        this.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
      client.pipe(broker);
      broker.pipe(client);
    });
  }
}
