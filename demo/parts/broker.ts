import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { messageOf, WaysideError } from '../../core/errors.ts';

export interface EmbeddedBroker {
  readonly url: string;
  close(): Promise<void>;
}

/** An MQTT broker inside this process, on a free port of loopback. @throws {WaysideError} LISTEN_FAILED */
export async function startBroker(): Promise<EmbeddedBroker> {
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  } catch (cause) {
    aedes.close();
    throw new WaysideError('LISTEN_FAILED', {
      message: `the embedded broker cannot listen on 127.0.0.1: ${messageOf(cause)}`,
      cause,
    });
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      aedes.close(); // its callback never comes when a client is leaving at the same time: the sockets tell
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
