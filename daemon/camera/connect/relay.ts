import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import type { CameraReason } from '../types.ts';
import { CameraFault } from './fault.ts';
import { type Endpoint, openSocket } from './socket.ts';
import type { Trust } from './trust.ts';

/** A door on loopback behind which a camera is reached through TLS. */
interface Relay {
  readonly port: number;
  /** Why the camera could not be reached, where it could not. */
  readonly fault: CameraReason | undefined;
  close(): void;
}

/**
 * Carries what a decoder and a camera say to each other through TLS with its certificate checked. FFmpeg's RTSP has no way to be told to
 * check one (5.1 opens `tls://` without options), and other decoders each their own.
 */
export async function startRelay(endpoint: Endpoint, trust: Trust, timeoutMs: number): Promise<Relay> {
  const open = new Set<Socket>();
  let fault: CameraReason | undefined;
  const keep = (socket: Socket): void => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy()); // the decoder ends, and its end is told
  };
  const carry = async (decoder: Socket): Promise<void> => {
    keep(decoder);
    try {
      const camera = await openSocket(endpoint, trust, AbortSignal.timeout(timeoutMs));
      keep(camera);
      pipeline(decoder, camera, decoder, () => {
        decoder.destroy();
        camera.destroy();
      });
    } catch (error) {
      if (error instanceof CameraFault) fault = error.reason;
      decoder.destroy();
    }
  };
  const server = createServer((decoder) => void carry(decoder)); // settles every failure itself
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get fault() {
      return fault;
    },
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
