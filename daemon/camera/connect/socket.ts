import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { CameraFault, faultOf } from './fault.ts';
import { type Trust, trustOptions } from './trust.ts';

/** Where a camera listens. */
export interface Endpoint {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

const DEFAULT_PORTS = { rtsp: 554, rtsps: 322 } as const;

/** @throws {CameraFault} CAMERA_REDIRECT for what is no `rtsp://` or `rtsps://` address */
export function endpointOf(url: string): Endpoint {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed?.protocol.slice(0, -1);
  if (parsed === undefined || parsed.hostname === '' || (scheme !== 'rtsp' && scheme !== 'rtsps')) {
    throw new CameraFault('CAMERA_REDIRECT', 'the camera redirects to what is no rtsp:// or rtsps:// address');
  }
  const host = decodeURIComponent(parsed.hostname).replace(/^\[(.*)\]$/, '$1');
  return { host, port: parsed.port === '' ? DEFAULT_PORTS[scheme] : Number(parsed.port), tls: scheme === 'rtsps' };
}

export const nameOf = ({ host, port }: Endpoint): string => `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;

/**
 * Opens a connection, its certificate checked.
 *
 * @throws {CameraFault} CAMERA_LOST, CAMERA_TLS
 */
export async function openSocket(endpoint: Endpoint, trust: Trust, signal: AbortSignal): Promise<Socket> {
  const { host, port, tls } = endpoint;
  const socket = tls
    ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...trustOptions(trust) })
    : connect({ host, port });
  socket.on('error', () => undefined); // told to whoever waits; after that the connection is of no more use
  let reached = false;
  socket.once('connect', () => {
    reached = true;
  });
  try {
    await once(socket, tls ? 'secureConnect' : 'connect', { signal });
    socket.setNoDelay(true);
    return socket;
  } catch (error) {
    socket.destroy();
    if (signal.aborted && reached)
      throw new CameraFault(
        'CAMERA_TLS',
        `${nameOf(endpoint)}: connected, and no answer to TLS within the time allowed`,
      );
    if (signal.aborted)
      throw new CameraFault('CAMERA_LOST', `${nameOf(endpoint)}: no connection within the time allowed`);
    throw faultOf(error, nameOf(endpoint), tls);
  }
}
