import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { selfSignedCertificate } from '../../../deploy/repository/certificate.ts';
import { type RepositoryServer, serveFolder } from '../../../deploy/repository/serve.ts';
import { temporaryFolder } from '../../support/folder.ts';

const folder = temporaryFolder();
let server: RepositoryServer;

beforeAll(async () => {
  const published = join(folder(), 'published');
  await mkdir(join(published, 'metadata'), { recursive: true });
  await writeFile(join(published, 'metadata', 'timestamp.json'), '0123456789');
  await writeFile(join(published, '.hidden'), 'hidden');
  await writeFile(join(folder(), 'secret'), 'a key');
  await symlink(join(folder(), 'secret'), join(published, 'link'));
  server = await serveFolder(published, { port: 0 });
});
afterAll(() => server.close());

const get = (path: string, init?: RequestInit): Promise<Response> => fetch(`${server.url}${path}`, init);

/** A request as it stands, which no URL parser has put right. */
function raw(path: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  return text(socket);
}

describe('the static server', () => {
  it('serves a file whole, in part, and its head', async () => {
    const path = 'metadata/timestamp.json';
    expect(await (await get(path)).text()).toBe('0123456789');
    const part = await get(path, { headers: { range: 'bytes=3-5' } });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 3-5/10', '345']);
    expect(await (await get(path, { headers: { range: 'bytes=8-' } })).text()).toBe('89');
    expect(await (await get(path, { headers: { range: 'bytes=-3' } })).text()).toBe('789');
    expect((await get(path, { headers: { range: 'bytes=10-' } })).status).toBe(416);
    expect(await (await get(path, { headers: { range: 'lines=1-2' } })).text()).toBe('0123456789');
    const head = await get(path, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
  });

  it.each(['', 'metadata', 'metadata/', '.hidden', 'link', 'nothing', '%00', '%', 'a'.repeat(5000)])(
    'has nothing at /%s',
    async (path) => {
      expect((await get(path)).status).toBe(404);
    },
  );

  it.each([
    '/../secret',
    '/metadata/../../secret',
    '/%2e%2e/secret',
    '/..%2fsecret',
    '//etc/passwd',
    '/metadata/%2e%2e/%2e%2e/secret',
    'x',
  ])('leads nowhere out of its folder: %s', async (path) => {
    expect(await raw(path)).toMatch(/^HTTP\/1\.1 40[04] /);
  });

  it('takes nothing', async () => {
    for (const method of ['PUT', 'POST', 'DELETE', 'OPTIONS']) expect((await get('x', { method })).status).toBe(405);
  });

  it('speaks TLS with a certificate that it makes, for those who were given it', async () => {
    const tls = selfSignedCertificate(['localhost', '127.0.0.1', '::1']);
    const secure = await serveFolder(join(folder(), 'published'), { port: 0, tls });
    const ask = (ca?: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const url = `${secure.url}metadata/timestamp.json`;
        request(url, ca === undefined ? {} : { ca }, (response) => resolve(text(response)))
          .on('error', reject)
          .end();
      });
    expect(secure.url).toMatch(/^https:/);
    expect(await ask(tls.cert)).toBe('0123456789');
    await expect(ask()).rejects.toThrow(/self.signed/);
    await secure.close();
  });
});
