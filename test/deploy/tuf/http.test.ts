import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type FileServer, serveFiles } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Box, servedRepository } from '../../support/tuf-box.ts';
import type { TufTestRepository } from '../../support/tuf-repository.ts';

const folder = temporaryFolder();
const BUNDLE = Buffer.alloc(300_000, 'a bundle of weights ');
let repository: TufTestRepository;
let server: FileServer;
let box: Box;

beforeEach(async () => {
  ({ repository, server, box } = await servedRepository(folder(), { big: BUNDLE }));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server.close();
});

/** Answers every request for the bundle itself. */
function answerBundle(answer: (response: ServerResponse, range: string | undefined) => void): void {
  server.answer = (request, response) => {
    if (request.url?.startsWith('/targets/') !== true) return false;
    answer(response, request.headers.range);
    return true;
  };
}

const bundleRequests = (): readonly string[] =>
  server.requests.filter((path) => path.startsWith('targets/')).map((path) => path.split(' ')[1] ?? 'whole');

describe('a download', () => {
  it('goes on after every break where it stopped, and brings each byte once', async () => {
    let cuts = 0;
    answerBundle((response, range) => {
      const from = Number(/=(\d+)-/.exec(range ?? '')?.[1] ?? 0);
      const end = cuts++ < 5 ? Math.min(BUNDLE.length, from + 50_000) : BUNDLE.length;
      const head = { 'content-length': BUNDLE.length - from };
      if (from === 0) response.writeHead(200, head);
      else response.writeHead(206, { ...head, 'content-range': `bytes ${from}-${BUNDLE.length - 1}/${BUNDLE.length}` });
      response.write(BUNDLE.subarray(from, end), () => (end === BUNDLE.length ? response.end() : response.destroy()));
    });
    const received = await box.session(async (client) => {
      await client.refresh();
      const before = client.received;
      await client.download('big', join(box.folder, '..', 'bundle'));
      return client.received - before;
    });
    expect(received).toBe(BUNDLE.length);
    expect(bundleRequests()).toEqual(['whole', ...[1, 2, 3, 4, 5].map((n) => `bytes=${n * 50_000}-`)]);
  });

  it('goes on in the next session, and leaves no part behind', async () => {
    let first = true;
    answerBundle((response, range) => {
      if (!first && range !== undefined) {
        const from = Number(/=(\d+)-/.exec(range)?.[1]);
        response.writeHead(206, { 'content-range': `bytes ${from}-${BUNDLE.length - 1}/${BUNDLE.length}` });
        response.end(BUNDLE.subarray(from));
        return;
      }
      response.writeHead(200, { 'content-length': BUNDLE.length });
      response.write(BUNDLE.subarray(0, 100_000));
    });
    const stop = new AbortController();
    const file = join(box.folder, '..', 'bundle');
    const stopped = box.session((client) =>
      client.download('big', file, { signal: stop.signal, onProgress: () => stop.abort() }),
    );
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
    first = false;
    await box.session((client) => client.download('big', file));
    expect(bundleRequests()[1]).toMatch(/^bytes=\d+-$/);
    expect((await readdir(dirname(file))).filter((name) => name.endsWith('.part'))).toEqual([]);
  });

  it('throws away a beginning that turns out to be wrong, and fetches the whole once more', async () => {
    const { hashes } = await box.session((client) => client.target('big'));
    await writeFile(join(box.folder, '..', `.${hashes['sha256']}.part`), Buffer.alloc(1000, 'x'));
    expect(await box.fetch('big')).toBe(BUNDLE.toString());
    expect(bundleRequests()).toEqual(['bytes=1000-', 'whole']);
  });

  it('takes the whole from a server that knows no Range', async () => {
    const { hashes } = await box.session((client) => client.target('big'));
    await writeFile(join(box.folder, '..', `.${hashes['sha256']}.part`), BUNDLE.subarray(0, 1000));
    answerBundle((response) => response.end(BUNDLE));
    expect(await box.fetch('big')).toBe(BUNDLE.toString());
  });

  it('endless data: reads no more than was signed', async () => {
    let sent = 0;
    answerBundle((response) => {
      const pour = (): void => {
        while (!response.destroyed && response.write(BUNDLE)) sent += BUNDLE.length;
        if (!response.destroyed) response.once('drain', pour);
      };
      pour();
    });
    await expect(box.fetch('big')).rejects.toMatchObject({ code: 'DOWNLOAD_TOO_LARGE' });
    expect(sent).toBeLessThan(100 * BUNDLE.length);
  });

  it('endless data: metadata has a longest length too', async () => {
    server.answer = (request, response) => {
      if (request.url?.endsWith('timestamp.json') !== true) return false;
      const pour = (): void => {
        while (!response.destroyed && response.write(BUNDLE));
        if (!response.destroyed) response.once('drain', pour);
      };
      pour();
      return true;
    };
    await expect(box.refresh()).rejects.toMatchObject({ code: 'DOWNLOAD_TOO_LARGE' });
  });

  it('slow retrieval: gives up what comes slower than the lowest rate', async () => {
    const drips = new Set<NodeJS.Timeout>();
    answerBundle((response) => {
      response.writeHead(200, { 'content-length': BUNDLE.length });
      const drip = setInterval(() => response.write('a'), 20);
      drips.add(drip);
      response.on('close', () => clearInterval(drip));
    });
    const limits = { minimumRate: 1000, rateWindowMs: 200 };
    await expect(box.fetch('big', { limits })).rejects.toMatchObject({ code: 'DOWNLOAD_SLOW' });
    for (const drip of drips) clearInterval(drip);
  });

  it('slow retrieval: gives up a server that never answers', async () => {
    server.answer = () => true;
    await expect(box.refresh({ limits: { answerMs: 100 } })).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
  });

  it('stops at the quota', async () => {
    await expect(box.fetch('big', { limits: { quotaBytes: 200_000 } })).rejects.toMatchObject({
      code: 'DOWNLOAD_TOO_LARGE',
      message: expect.stringContaining('quota') as string,
    });
  });

  it('follows a redirect within the scheme, and none to another', async () => {
    const mirror = await serveFiles(repository.served);
    server.answer = (request, response) => {
      response.writeHead(302, { location: `${mirror.url}${request.url?.slice(1)}` }).end();
      return true;
    };
    expect(await box.fetch('big')).toBe(BUNDLE.toString());
    server.answer = (_, response) => {
      response.writeHead(302, { location: 'file:///etc/passwd' }).end();
      return true;
    };
    await expect(box.refresh()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', message: /scheme/ });
    server.answer = (request, response) => {
      response.writeHead(302, { location: request.url }).end();
      return true;
    };
    await expect(box.refresh()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', message: /too often/ });
    await mirror.close();
  });

  it('goes through the proxy that the environment names', async () => {
    const asked: string[] = [];
    const proxy = createServer().on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    vi.stubEnv('http_proxy', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
    await expect(box.refresh()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(asked[0]).toBe(new URL(server.url).host);
    proxy.close();
  });
});
