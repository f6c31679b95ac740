import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isSystemError, messageOf, WaysideError } from '../../core/errors.ts';

export interface ServeOptions {
  /** @default 127.0.0.1 */
  readonly host?: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Without it plain HTTP: what is signed needs no TLS, what is fetched is seen on the way. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface RepositoryServer {
  readonly url: string;
  close(): Promise<void>;
}

interface Found {
  readonly path: string;
  readonly size: number;
}

/** The file of a request inside the folder: no list, no hidden file, no link that leads out. */
async function find(root: string, url: string): Promise<Found | undefined> {
  try {
    const path = decodeURIComponent(new URL(url, 'http://localhost').pathname);
    if (path.includes('\0') || path.split('/').some((part) => part.startsWith('.'))) return undefined;
    const real = await realpath(join(root, path));
    if (!real.startsWith(root + sep)) return undefined;
    const { size, ...stats } = await stat(real).then((found) => ({ size: found.size, file: found.isFile() }));
    return stats.file ? { path: real, size } : undefined;
  } catch (cause) {
    // Malformed escapes, and names that are not there or are too long.
    if (cause instanceof URIError || isSystemError(cause, 'ENOENT', 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP'))
      return undefined;
    if (cause instanceof TypeError) return undefined;
    throw cause;
  }
}

interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** One range (RFC 9110, 14.1.2); several, and what is malformed, are answered with the whole. */
function rangeOf(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last));
  return start > end ? 'unsatisfiable' : { start, end };
}

async function answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const end = (status: number, headers: Record<string, string | number> = {}): void => {
    response.writeHead(status, { 'content-length': 0, ...headers }).end();
  };
  if (request.method !== 'GET' && request.method !== 'HEAD') return end(405, { allow: 'GET, HEAD' });
  const found = await find(root, request.url ?? '/');
  if (found === undefined) return end(404);
  const { path, size } = found;
  const range = rangeOf(request.headers.range, size);
  if (range === 'unsatisfiable') return end(416, { 'content-range': `bytes */${size}` });
  const { start, end: last } = range ?? { start: 0, end: size - 1 };
  response.writeHead(range === undefined ? 200 : 206, {
    'content-length': last - start + 1,
    'content-type': path.endsWith('.json') ? 'application/json' : 'application/octet-stream',
    'accept-ranges': 'bytes',
    // Every other name carries its version or digest and never changes.
    'cache-control': path.endsWith(`${sep}timestamp.json`) ? 'no-cache' : 'max-age=31536000, immutable',
    'x-content-type-options': 'nosniff',
    ...(range !== undefined && { 'content-range': `bytes ${start}-${last}/${size}` }),
  });
  if (request.method === 'HEAD' || size === 0) response.end();
  else await pipeline(createReadStream(path, { start, end: last }), response);
}

/**
 * Serves a folder, and nothing else, until it is closed.
 *
 * @throws {WaysideError} LISTEN_FAILED, FILE_NOT_FOUND
 */
export async function serveFolder(
  folder: string,
  { host = '127.0.0.1', port, tls }: ServeOptions,
): Promise<RepositoryServer> {
  const root = await realpath(folder).catch((cause: unknown) => {
    throw new WaysideError('FILE_NOT_FOUND', {
      message: `nothing is published in ${folder}: ${messageOf(cause)}`,
      cause,
    });
  });
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(root, request, response).catch(() => response.destroy()); // the client has gone, or the disk fails under it
  };
  let server: ReturnType<typeof createHttpServer> | ReturnType<typeof createHttpsServer>;
  try {
    server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener);
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    throw new WaysideError('LISTEN_FAILED', { message: `cannot serve on ${host}:${port}: ${messageOf(cause)}`, cause });
  }
  const { address, family, port: bound } = server.address() as AddressInfo;
  const shown = family === 'IPv6' ? `[${address}]` : address;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${shown}:${bound}/`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
