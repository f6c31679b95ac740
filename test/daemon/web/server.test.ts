import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EventStream } from '../../../daemon/web/event-stream.ts';
import { startWebServer, type WebServer } from '../../../daemon/web/server.ts';

let events: EventStream;
let server: WebServer;

beforeEach(async () => {
  events = new EventStream();
  server = await startWebServer({ events });
});
afterEach(() => server.close());

/** Sends headers that `fetch` would not let a caller choose. */
async function ask(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<IncomingMessage> {
  const { hostname, port } = new URL(server.url);
  const sent = request({ hostname, port, path, method, headers: { Host: `${hostname}:${port}`, ...headers } });
  sent.end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

async function statusOf(...asked: Parameters<typeof ask>): Promise<number | undefined> {
  const response = await ask(...asked);
  response.destroy();
  return response.statusCode;
}

describe('the page of a box', () => {
  it('is served whole, with headers that let nothing in from elsewhere', async () => {
    const response = await ask('/');
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-security-policy']).toMatch(/^default-src 'none'/);
    expect(response.headers['x-content-type-options']).toBe('nosniff');
    const page = await text(response);
    for (const [, path] of page.matchAll(/(?:href|src)="([^"]+)"/g)) expect(await statusOf(`/${path}`), path).toBe(200);
  });

  it('answers by its own names only: a name rebound to loopback gets nothing', async () => {
    const { port } = new URL(server.url);
    expect(await statusOf('/', { Host: `localhost:${port}` })).toBe(200);
    expect(await statusOf('/', { Host: `attacker.example:${port}` })).toBe(421);
    expect(await statusOf('/events', { Host: 'attacker.example' })).toBe(421);
    expect(await statusOf('/', { Host: '127.0.0.1' })).toBe(421);
  });

  it('lets no other site read it', async () => {
    const { origin } = new URL(server.url);
    expect(await statusOf('/', { Origin: origin })).toBe(200);
    expect(await statusOf('/events', { Origin: 'https://attacker.example' })).toBe(403);
    expect(await statusOf('/events', { Origin: 'null' })).toBe(403);
    expect(await statusOf('/events', { 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await statusOf('/', { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' })).toBe(200);
  });

  it('can only be read, and serves nothing but its own files', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) expect(await statusOf('/', {}, method)).toBe(405);
    for (const path of ['/server.ts', '/../server.ts', '/%2e%2e/server.ts', '//etc/passwd', '/page.js/..']) {
      expect(await statusOf(path), path).toBe(404);
    }
  });

  it('tells a new reader what is retained, and then what comes', async () => {
    events.retained('view', { frames: 1 });
    const response = await ask('/events');
    let heard = '';
    response.setEncoding('utf8').on('data', (part: string) => {
      heard += part;
    });
    await expect.poll(() => heard).toContain('event: view\ndata: {"frames":1}\n\n');
    events.latest('frame', { image: 'x' });
    await expect.poll(() => heard).toContain('event: frame\ndata: {"image":"x"}\n\n');
    response.destroy();
    await expect.poll(() => events.readers).toBe(0);
  });

  it('keeps little for a reader that does not read: it misses images, and holds up nobody', async () => {
    const attached = vi.spyOn(events, 'attach');
    const lazy = await ask('/events'); // paused: never read
    const waiting = (): number => attached.mock.calls[0]![0].writableLength;
    const image = 'i'.repeat(200_000);
    let most = 0;
    for (let n = 0; n < 400; n++) {
      events.latest('frame', { image }); // 80 MB, far beyond what sockets hold
      most = Math.max(most, waiting());
    }
    expect(most).toBeGreaterThan(image.length);
    expect(most).toBeLessThan(4 * image.length);
    const other = await ask('/events');
    events.retained('view', { frames: 7 });
    const [first] = (await once(other, 'data')) as [Buffer];
    expect(first.toString()).toContain('retry');
    lazy.destroy();
    other.destroy();
  });

  it('takes a few readers, and says so to more', async () => {
    const readers: IncomingMessage[] = [];
    for (let n = 0; n < 8; n++) readers.push(await ask('/events'));
    expect(await statusOf('/events')).toBe(503);
    for (const reader of readers) reader.destroy();
    await expect.poll(() => events.readers).toBe(0);
    expect(await statusOf('/events')).toBe(200);
  });

  it('says which port it could not open', async () => {
    const port = Number(new URL(server.url).port);
    await expect(startWebServer({ events: new EventStream(), port })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringContaining(String(port)) as string,
    });
  });
});
