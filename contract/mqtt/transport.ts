import { connect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { limitUnacknowledged } from './socket-options.ts';

interface TransportOptions {
  /** `mqtt://` or `mqtts://`. */
  readonly url: string;
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
}

/** What MQTT is spoken over, and a way to leave it behind. */
export interface Transport {
  readonly stream: Duplex;
  /**
   * Drops the connection together with everything that the kernel still holds (RST). Closing it instead would go on delivering
   * that, however late: on the TCP socket beneath TLS, because a TLS socket cannot be reset.
   */
  reset(): void;
}

/**
 * Beyond this without an acknowledgement the kernel gives a connection up by itself: also when the event loop is blocked, and
 * when the process was killed and nobody is left to reset it.
 */
const UNACKNOWLEDGED_MS = 4500;

/** Settles once with what an emitter says first; its `error` listener stays, so that a late error is nobody's surprise. */
function opened(socket: Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('close', () => reject(new Error('the connection was closed while it was being made')));
    socket.on('error', reject);
  });
}

/** @throws the system's or OpenSSL's error; an `AbortError` when the signal says so */
export async function openTransport(options: TransportOptions, signal: AbortSignal): Promise<Transport> {
  signal.throwIfAborted();
  const { protocol, hostname, port } = new URL(options.url);
  const secure = protocol === 'mqtts:';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const socket = connect({ host, port: port === '' ? (secure ? 8883 : 1883) : Number(port) });
  const aborted = (): void => void socket.destroy(signal.reason instanceof Error ? signal.reason : undefined);
  signal.addEventListener('abort', aborted, { once: true });
  try {
    await opened(socket, 'connect');
    // Nagle's algorithm would hold a PINGREQ back until what was sent before is acknowledged.
    socket.setNoDelay(true);
    limitUnacknowledged(socket, UNACKNOWLEDGED_MS);
    const reset = (): void => void socket.resetAndDestroy();
    if (!secure) return { stream: socket, reset };
    const { ca, cert, key } = options;
    const stream = connectTls({
      socket,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    await opened(stream, 'secureConnect');
    return { stream, reset };
  } catch (thrown) {
    socket.destroy();
    throw thrown;
  } finally {
    signal.removeEventListener('abort', aborted);
  }
}
