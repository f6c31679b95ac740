import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface FileServer {
  /** With a slash at its end. */
  readonly url: string;
  /** Paths that were asked for, in order, with `Range` where there was one. */
  readonly requests: string[];
  /** Answers instead of the files while it is set; returning false leaves it to the files. */
  answer: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  readonly close: () => Promise<void>;
}

/** Serves a map of files over plain HTTP on loopback, `Range` included. */
export async function serveFiles(files: ReadonlyMap<string, Uint8Array>): Promise<FileServer> {
  const requests: string[] = [];
  const state: { answer: FileServer['answer'] } = { answer: undefined };
  const listener: RequestListener = (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname.slice(1));
    const { range } = request.headers;
    requests.push(range === undefined ? path : `${path} ${range}`);
    if (state.answer?.(request, response) === true) return;
    const file = files.get(path) ?? files.get(new URL(request.url ?? '/', 'http://x').pathname.slice(1));
    if (file === undefined) {
      response.writeHead(404).end();
      return;
    }
    // It gives no validator, so that none matches and the whole file is due (RFC 9110, 13.1.5): apt would put what it has of a
    // refused file before the rest of a good one.
    const unconditional = request.headers['if-range'] === undefined;
    const [, from] = (unconditional ? /^bytes=(\d+)-$/.exec(range ?? '') : null) ?? [];
    if (from === undefined) {
      response.writeHead(200, { 'content-length': file.length }).end(file);
    } else if (Number(from) >= file.length) {
      response.writeHead(416).end();
    } else {
      const rest = file.subarray(Number(from));
      response
        .writeHead(206, {
          'content-range': `bytes ${from}-${file.length - 1}/${file.length}`,
          'content-length': rest.length,
        })
        .end(rest);
    }
  };
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    get answer() {
      return state.answer;
    },
    set answer(answer) {
      state.answer = answer;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
