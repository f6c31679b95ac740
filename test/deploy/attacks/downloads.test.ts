import { request, type ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FileServer } from '../../support/file-server.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { type Box, servedRepository } from '../../support/tuf-box.ts';
import type { TufTestRepository } from '../../support/tuf-repository.ts';

const folder = temporaryFolder();
const BUNDLE = Buffer.alloc(100_000, 'bundle');

let repository: TufTestRepository;
let server: FileServer;
let box: Box;

beforeEach(async () => {
  ({ repository, server, box } = await servedRepository(folder(), { big: BUNDLE }));
});
afterEach(() => server.close());

/** Reads a body as it comes, until it has had enough of it for this test. */
function plainDownload(path: string, enough: (bytes: number, ms: number) => boolean): Promise<number> {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const asked = request(`${server.url}${path}`, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (!enough(bytes, performance.now() - start)) return;
        resolve(bytes);
        response.destroy();
      });
    });
    asked.on('error', reject).end();
  });
}

const targetFile = (): string => [...repository.served.keys()].find((path) => path.startsWith('targets/')) ?? '';

function pourInto(response: ServerResponse): void {
  while (!response.destroyed && response.write(BUNDLE));
  if (!response.destroyed) response.once('drain', () => pourInto(response));
}

describe('an attack by whoever serves', () => {
  it.each([
    ['a target', 'targets/', 20],
    ['metadata', 'timestamp.json', 20],
  ])('endless data in place of %s', async (_, where, times) => {
    server.answer = (asked, response) => {
      if (asked.url?.includes(where) !== true) return false;
      pourInto(response);
      return true;
    };
    const path = where === 'targets/' ? targetFile() : `metadata/${where}`;
    const most = times * BUNDLE.length;
    expect(await plainDownload(path, (bytes) => bytes > most)).toBeGreaterThan(most);
    await expect(box.fetch('big')).rejects.toMatchObject({ code: 'DOWNLOAD_TOO_LARGE' });
  });

  it('slow retrieval: a byte now and then, for as long as anybody waits', async () => {
    server.answer = (asked, response) => {
      if (asked.url?.includes('targets/') !== true) return false;
      response.writeHead(200, { 'content-length': BUNDLE.length });
      const drip = setInterval(() => response.write('b'), 20);
      response.on('close', () => clearInterval(drip));
      return true;
    };
    // Each byte sets back the time limit that a plain client has between two of them: this one would wait 33 minutes.
    expect(await plainDownload(targetFile(), (bytes, ms) => bytes > 5 && ms > 500)).toBeGreaterThan(5);
    const limits = { minimumRate: 1000, rateWindowMs: 200 };
    await expect(box.fetch('big', { limits })).rejects.toMatchObject({ code: 'DOWNLOAD_SLOW' });
  });
});
