import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between a box and its broker, on the loopback. */
export interface Relay {
  readonly port: number;
  /** From now on nothing passes either way, and nobody is told: what is sent is taken in, as by a modem without a network. */
  cut(): void;
  /** Connections from before are gone, as where a network gave out a new address; new ones pass. */
  mend(): void;
  close(): Promise<void>;
}

/** @param port of the broker on 127.0.0.1 */
export async function startRelay(port: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  let isCut = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy()); // one end of a connection that the other has lost
    socket.on('close', () => sockets.delete(socket));
  };
  const server = createServer((box) => {
    keep(box);
    if (isCut) return;
    const broker = connect(port, '127.0.0.1');
    keep(broker);
    box.pipe(broker);
    broker.pipe(box);
    box.on('close', () => broker.destroy());
    broker.on('close', () => box.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.unpipe().pause();
    },
    mend() {
      isCut = false;
      for (const socket of sockets) socket.resetAndDestroy();
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
