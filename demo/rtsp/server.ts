import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { type Credentials, Doorkeeper } from './auth.ts';
import { RtspConnection, type RtspSession, type Stream } from './connection.ts';
import { FaultState, type Faults } from './faults.ts';
import { type AccessUnit, nalKind } from './nal.ts';
import { payloadsOf } from './rtp.ts';
import type { SourceFrame, VideoSource } from './source.ts';

export interface RtspServerOptions {
  readonly source: VideoSource;
  /** 0 takes a free one. @default 0 */
  readonly port?: number;
  /** @default '/camera' */
  readonly path?: string;
  /** PEM; `rtsps://` then. */
  readonly tls?: { readonly key: string | Buffer; readonly cert: string | Buffer };
  /** Who may watch; everyone when absent. */
  readonly credentials?: Credentials;
}

/** A frame as it left for the clients. */
interface FrameSent {
  readonly index: number;
  /** ms of `performance.now()`. */
  readonly at: number;
  /** `index / fps`, seconds. */
  readonly pts: number;
}

export interface RtspServer {
  /** Without credentials. */
  readonly url: string;
  readonly port: number;
  readonly faults: Faults;
  /** How often each method was asked for. */
  readonly requests: ReadonlyMap<string, number>;
  /** Clients connected now. A received frame is scene frame `firstFrame + Math.round(ptsSeconds * fps)`. */
  readonly sessions: readonly RtspSession[];
  /** Resolves when the source is over; rejects when it failed. */
  readonly ended: Promise<void>;
  onFrameSent(listener: (frame: FrameSent) => void): void;
  close(): Promise<void>;
}

const REPORT_INTERVAL_MS = 1000;

/**
 * A camera on 127.0.0.1: RTSP/1.0 (RFC 2326), RTP inside the connection only, one track, any number of clients, each of
 * which joins at the next keyframe. For demonstrations and tests; nothing of it listens beyond loopback.
 *
 * Resolves when the first keyframe is there.
 *
 * @throws {WaysideError} LISTEN_FAILED, VIDEO_SOURCE_FAILED
 */
export async function startRtspServer(options: RtspServerOptions): Promise<RtspServer> {
  const { source, port = 0, path = '/camera', credentials, tls } = options;
  const connections = new Set<RtspConnection>();
  const listeners = new Set<(frame: FrameSent) => void>();
  const stopping = new AbortController();
  const faults = new FaultState(() => {
    for (const connection of connections) connection.close();
  });
  let announce = (): void => undefined;
  const firstKeyframe = new Promise<void>((resolve) => {
    announce = resolve;
  });
  const requests = new Map<string, number>();
  let keyframe: AccessUnit | undefined;
  let lastIndex = 0;

  const deliver = ({ index, unit: plain }: SourceFrame): void => {
    const unit = withParameters(source, plain, keyframe);
    if (unit.key) keyframe = unit;
    lastIndex = index;
    const payloads = payloadsOf(source.codec, unit);
    const at = performance.now();
    for (const connection of connections) connection.send(index, unit, payloads);
    for (const listener of listeners) listener({ index, at, pts: index / source.fps });
    if (unit.key) announce();
  };
  const stream: Stream = {
    path,
    codec: source.codec,
    fps: source.fps,
    faults,
    doorkeeper: credentials === undefined ? undefined : new Doorkeeper(credentials),
    onRequest: (method) => void requests.set(method, (requests.get(method) ?? 0) + 1),
    keyframe: () => keyframe!, // listening begins after the first one
  };
  const accept = (socket: Socket): void => {
    const connection = new RtspConnection(socket, stream);
    connections.add(connection);
    socket.on('close', () => connections.delete(connection));
  };
  const server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);

  const ended = source.run(deliver, stopping.signal);
  ended.catch(() => undefined); // given to the caller as `ended`
  const noPicture = ended.then(() => {
    throw new WaysideError('VIDEO_SOURCE_FAILED', { message: 'the source ended before its first keyframe' });
  });
  let listening: number;
  try {
    await Promise.race([firstKeyframe, noPicture]);
    listening = await listen(server, port);
  } catch (cause) {
    stopping.abort();
    throw cause;
  }
  const reporting = setInterval(() => {
    for (const connection of connections) connection.report(lastIndex);
  }, REPORT_INTERVAL_MS);

  return {
    url: `${tls === undefined ? 'rtsp' : 'rtsps'}://127.0.0.1:${listening}${path}`,
    port: listening,
    faults,
    requests,
    get sessions() {
      return [...connections].filter((connection) => connection.playing);
    },
    ended,
    onFrameSent: (listener) => void listeners.add(listener),
    async close() {
      stopping.abort();
      clearInterval(reporting);
      const closed = once(server, 'close');
      server.close();
      for (const connection of connections) connection.close();
      await Promise.allSettled([closed, ended]);
    },
  };
}

/** Gives a keyframe the parameter sets of the one before where it brings none: a receiver must be able to begin with it. */
function withParameters({ codec }: VideoSource, unit: AccessUnit, before: AccessUnit | undefined): AccessUnit {
  const isParameters = (nal: Uint8Array): boolean => nalKind(codec, nal) === 'parameters';
  if (!unit.key || before === undefined || unit.nals.some(isParameters)) return unit;
  return { key: true, nals: [...before.nals.filter(isParameters), ...unit.nals] };
}

async function listen(server: Server, port: number): Promise<number> {
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch (cause) {
    throw new WaysideError('LISTEN_FAILED', {
      message: `cannot serve RTSP on 127.0.0.1:${port}: ${messageOf(cause)}`,
      hint: 'another program uses this port: choose another one, or 0 for a free one',
      cause,
    });
  }
}
