import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import type { EventStream } from './event-stream.ts';

interface WebServerOptions {
  /** What the page listens to. */
  readonly events: EventStream;
  /** 0 takes a free one. @default 0 */
  readonly port?: number | undefined;
}

export interface WebServer {
  /** `http://127.0.0.1:PORT/`. */
  readonly url: string;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';
const FOLDER = join(PACKAGE_ROOT, 'daemon', 'web', 'page');
/** Served by name: no path is ever built from what a client asks for. */
const FILES: Readonly<Record<string, string>> = {
  '/': 'index.html',
  '/page.css': 'page.css',
  '/page.js': 'page.js',
  '/icon.svg': 'icon.svg',
};
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
/** Nothing from elsewhere, nothing inline but images that arrive as data; no other site may frame or read it. */
const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'Cache-Control': 'no-store',
};

/**
 * Serves the page on loopback: a handful of files and one stream of events, nothing else.
 *
 * Every program and every website open on this machine can reach a port of loopback. A website is kept out twice: by the
 * `Host` header, which names another host where a name was rebound to 127.0.0.1 (DNS rebinding), and by `Origin`, which
 * browsers send with every request that another site makes.
 *
 * @throws {WaysideError} LISTEN_FAILED
 */
export async function startWebServer({ events, port = 0 }: WebServerOptions): Promise<WebServer> {
  const files = new Map<string, { readonly type: string; readonly body: Buffer }>();
  for (const [path, name] of Object.entries(FILES)) {
    files.set(path, {
      type: TYPES[extname(name)] ?? 'application/octet-stream',
      body: await readFile(join(FOLDER, name)),
    });
  }
  let own: readonly string[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const refused = refusalOf(request, own);
    const path = request.url?.split('?', 1)[0] ?? '/';
    const file = files.get(path);
    if (refused !== undefined) {
      end(response, refused.status, refused.why);
    } else if (path === '/events' && request.method === 'GET') {
      if (!events.attach(response)) end(response, 503, 'too many pages are open');
    } else if (file === undefined) {
      end(response, 404, 'no such page');
    } else {
      response.writeHead(200, { 'Content-Type': file.type, 'Content-Length': file.body.byteLength });
      response.end(request.method === 'HEAD' ? undefined : file.body);
    }
  };
  const server = createServer({ headersTimeout: 5000, requestTimeout: 5000, maxHeaderSize: 16_384 }, answer);
  server.maxConnections = 64;
  try {
    server.listen(port, HOST);
    await once(server, 'listening');
  } catch (cause) {
    throw new WaysideError('LISTEN_FAILED', {
      message: `the page cannot listen on ${HOST}:${port}: ${messageOf(cause)}`,
      hint: 'choose another port, or leave the page out with --no-page',
      cause,
    });
  }
  const address = server.address();
  const listening = typeof address === 'object' && address !== null ? address.port : port;
  own = [`${HOST}:${listening}`, `localhost:${listening}`];
  return {
    url: `http://${HOST}:${listening}/`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      events.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

/** Why a request is not answered; undefined where it is. */
function refusalOf(
  { method, headers }: IncomingMessage,
  own: readonly string[],
): { readonly status: number; readonly why: string } | undefined {
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, why: 'the page can only be read' };
  if (headers.host === undefined || !own.includes(headers.host.toLowerCase())) {
    return { status: 421, why: 'this address is not served under that name' };
  }
  const { origin } = headers;
  if (origin !== undefined && !own.some((host) => origin === `http://${host}`)) {
    return { status: 403, why: 'other sites may not read this page' };
  }
  const site = headers['sec-fetch-site'];
  const navigates = headers['sec-fetch-mode'] === 'navigate';
  if (typeof site === 'string' && site !== 'same-origin' && site !== 'none' && !navigates) {
    return { status: 403, why: 'other sites may not read this page' };
  }
  return undefined;
}
