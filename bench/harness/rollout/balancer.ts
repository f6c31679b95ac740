import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What stands before a cluster of brokers: each new connection goes to the next node that takes it. */
export class Balancer {
  readonly #ports: readonly number[];
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;
  #next = 0;
  url = '';

  constructor(ports: readonly number[]) {
    this.#ports = ports;
  }

  async start(): Promise<void> {
    this.#server = createServer((client) => this.#pass(client, this.#ports.length)).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    this.url = typeof address === 'object' && address !== null ? `mqtt://127.0.0.1:${address.port}` : '';
  }

  stop(): void {
    this.#server?.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #pass(client: Socket, tries: number): void {
    const port = this.#ports[this.#next++ % this.#ports.length];
    if (tries === 0 || port === undefined) {
      client.destroy();
      return;
    }
    const node = connect(port, '127.0.0.1');
    const refused = (): void => this.#pass(client, tries - 1);
    node.once('error', refused);
    node.once('connect', () => {
      node.off('error', refused);
      for (const [socket, other] of [
        [client, node],
        [node, client],
      ] as const) {
        this.#sockets.add(socket);
        socket.setNoDelay(true);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
      client.pipe(node);
      node.pipe(client);
    });
  }
}
