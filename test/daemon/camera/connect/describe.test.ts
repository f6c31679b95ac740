import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { describeCamera, type Question } from '../../../../daemon/camera/connect/describe.ts';
import { CameraFault } from '../../../../daemon/camera/connect/fault.ts';

const SDP = 'v=0\r\ns=x\r\nm=audio 0 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\na=framerate:12.5\r\n';
const ok = (body = SDP): string => `RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** A server that answers each request, whole, with what `answer` says; undefined: with nothing. */
async function serve(
  answer: (request: string, count: number, socket: Socket) => string | undefined,
): Promise<{ url: string; port: number; requests: string[] }> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(0, end);
        text = text.slice(end + 4);
        requests.push(request);
        const reply = answer(request, requests.length, socket);
        if (reply !== undefined) socket.write(reply);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `rtsp://127.0.0.1:${port}/cam`, port, requests };
}

const ask = (url: string, change: Partial<Question> = {}) =>
  describeCamera({ url, credentials: undefined, trust: {}, timeoutMs: 2000, ...change });

async function faultOf(url: string, change: Partial<Question> = {}): Promise<CameraFault['reason']> {
  const thrown = await ask(url, change).then(
    () => expect.fail('it was described'),
    (error: unknown) => error,
  );
  return thrown instanceof CameraFault ? thrown.reason : expect.fail(String(thrown));
}

describe('a camera that is asked what it has', () => {
  it('has video, and may tell its rate', async () => {
    const { url, requests } = await serve(() => ok());
    expect(await ask(url)).toEqual({ url, ours: true, frameIntervalMs: 80 });
    expect(requests[0]).toMatch(/^DESCRIBE rtsp:\/\/127\.0\.0\.1:\d+\/cam RTSP\/1\.0\r\nCSeq: 1/);
  });

  it.each([
    ['a web page', 'HTTP/1.1 400 Bad Request\r\n\r\n<html></html>', 'CAMERA_NOT_RTSP', /web server/],
    ['a bare page', '<!DOCTYPE html><html>', 'CAMERA_NOT_RTSP', /web server/],
    ['another protocol', 'SSH-2.0-dropbear\r\n', 'CAMERA_NOT_RTSP', /SSH-2.0-dropbear/],
    ['control bytes', '\x00\x1b[31m\x07ha', 'CAMERA_NOT_RTSP', /^[\x20-\x7e]+$/],
    ['a header without an end', `RTSP/1.0 200 OK\r\nX: ${'x'.repeat(70_000)}`, 'CAMERA_NOT_RTSP', /64 KiB/],
    ['a body without an end', 'RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n', 'CAMERA_NOT_RTSP', /length/],
    ['nothing', ok(''), 'CAMERA_NO_VIDEO', /empty/],
    ['no media', ok('v=0\r\ns=x\r\n'), 'CAMERA_NO_VIDEO', /no media/],
    ['sound', ok('v=0\r\nm=audio 0 RTP/AVP 0\r\n'), 'CAMERA_NO_VIDEO', /audio only/],
    ['401', 'RTSP/1.0 401 Unauthorized\r\n\r\n', 'CAMERA_REFUSED', /none are configured/],
    ['403', 'RTSP/1.0 403 Forbidden\r\n\r\n', 'CAMERA_REFUSED', /may not watch/],
    ['404', 'RTSP/1.0 404 Stream Not Found\r\n\r\n', 'CAMERA_REFUSED', /path/],
    ['453', 'RTSP/1.0 453 Not Enough Bandwidth\r\n\r\n', 'CAMERA_LOST', /room/],
    ['500', 'RTSP/1.0 500 Oops\r\n\r\n', 'CAMERA_LOST', /500 Oops/],
  ] as const)('and answers with %s', async (_, answer, code, words) => {
    const { url } = await serve(() => answer);
    expect(await faultOf(url)).toEqual({ code, message: expect.stringMatching(words) as string });
  });

  it('is told apart by how it does not answer', async () => {
    const silent = await serve(() => undefined);
    expect(await faultOf(silent.url, { timeoutMs: 200 })).toMatchObject({
      code: 'CAMERA_LOST',
      message: expect.stringMatching(/no answer to DESCRIBE/) as string,
    });
    const closing = await serve((_, __, socket) => void socket.end());
    expect(await faultOf(closing.url)).toMatchObject({
      message: expect.stringMatching(/closed the connection without an answer/) as string,
    });
    const gone = await serve(() => undefined);
    expect(await faultOf(`rtsp://127.0.0.1:1/cam`)).toMatchObject({
      code: 'CAMERA_LOST',
      message: expect.stringMatching(/refused/) as string,
    });
    expect(await faultOf('rtsp://no-such-camera.invalid/cam', { timeoutMs: 9000 })).toMatchObject({
      message: expect.stringMatching(/DNS|time allowed/) as string,
    });
    expect(await faultOf(gone.url.replace('rtsp:', 'rtsps:'), { timeoutMs: 500 })).toMatchObject({
      message: expect.stringMatching(/time allowed|TLS/) as string,
    });
  });

  it('that drips its answer is read whole', async () => {
    const { url } = await serve((_, __, socket) => {
      for (const byte of ok()) socket.write(byte);
      return undefined;
    });
    expect((await ask(url)).frameIntervalMs).toBe(80);
  });

  it('is stopped being asked when the signal aborts', async () => {
    const { url } = await serve(() => undefined);
    const stop = new AbortController();
    const asked = faultOf(url, { signal: stop.signal, timeoutMs: 60_000 });
    stop.abort();
    expect((await asked).code).toBe('CAMERA_LOST');
  });
});

const USER = { username: 'operator', password: 'se"cret: 7' };
const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a camera that wants to know who asks', () => {
  const unauthorized = (...challenges: string[]): string =>
    `RTSP/1.0 401 Unauthorized\r\n${challenges.map((each) => `WWW-Authenticate: ${each}\r\n`).join('')}\r\n`;

  it('is answered by digest rather than in the clear', async () => {
    const challenge = unauthorized('Basic realm="r"', 'Digest realm="r", nonce="n,1", algorithm=MD5');
    const { url, requests } = await serve((_, count) => (count === 1 ? challenge : ok()));
    await ask(url, { credentials: USER });
    const secret = md5(`${USER.username}:r:${USER.password}`);
    expect(requests[0]).not.toContain('Authorization');
    expect(requests[1]).toContain(`response="${md5(`${secret}:n,1:${md5(`DESCRIBE:${url}`)}`)}"`);
    expect(requests[1]).not.toMatch(/Basic/);
  });

  it('is answered with qop and SHA-256 (RFC 7616)', async () => {
    const challenge = unauthorized('Digest realm="r", nonce="n", qop="auth-int, auth", algorithm=SHA-256, opaque="o"');
    const { url, requests } = await serve((_, count) => (count === 1 ? challenge : ok()));
    await ask(url, { credentials: USER });
    const cnonce = /cnonce="(\w+)"/.exec(requests[1]!)?.[1];
    const secret = sha256(`${USER.username}:r:${USER.password}`);
    expect(requests[1]).toContain(
      `response="${sha256(`${secret}:n:00000001:${cnonce}:auth:${sha256(`DESCRIBE:${url}`)}`)}"`,
    );
    expect(requests[1]).toContain('opaque="o"');
  });

  it('may hang up after the challenge', async () => {
    const challenge = unauthorized('Basic realm="r"');
    const { url, requests } = await serve((_, count, socket) => {
      if (count > 1) return ok();
      socket.end(challenge);
      return undefined;
    });
    expect(await ask(url, { credentials: USER })).toMatchObject({ url });
    expect(requests.at(-1)).toContain('Authorization: Basic');
  });

  it('says that credentials are wrong, and never what they are', async () => {
    const { url } = await serve(() => unauthorized('Digest realm="r", nonce="n"'));
    const { code, message } = await faultOf(url, { credentials: USER });
    expect([code, message]).toEqual([
      'CAMERA_REFUSED',
      expect.stringMatching(/401 Unauthorized: the credentials are wrong/),
    ]);
    expect(message).not.toContain(USER.password);
    const strange = await serve(() => unauthorized('Negotiate'));
    expect((await faultOf(strange.url, { credentials: USER })).message).toMatch(/no way to sign in .* Negotiate/);
  });
});

describe('a camera that sends us elsewhere', () => {
  const to = (url: string): string => `RTSP/1.0 302 Moved\r\nLocation: ${url}\r\n\r\n`;

  it('is followed, also by a path alone', async () => {
    const { url } = await serve((request) => (request.includes('/there') ? ok() : to('/there')));
    expect((await ask(url)).url).toBe(url.replace('/cam', '/there'));
  });

  it('is not followed in a circle, nor for ever', async () => {
    const circle = await serve(() => to(circle.url));
    expect(await faultOf(circle.url)).toMatchObject({
      code: 'CAMERA_REDIRECT',
      message: expect.stringMatching(/circle/) as string,
    });
    expect(circle.requests).toHaveLength(1);
    const endless = await serve((_, count) => to(`${endless.url}${count}`));
    expect(await faultOf(endless.url)).toMatchObject({
      code: 'CAMERA_REDIRECT',
      message: expect.stringMatching(/more than 5 times/) as string,
    });
    expect(endless.requests).toHaveLength(6);
  });

  it('is not followed to what is no camera, nor out of encryption', async () => {
    for (const place of ['http://127.0.0.1/', '', 'file:///etc/passwd', 'nowhere at all:::']) {
      const { url } = await serve(() => to(place));
      expect(await faultOf(url), place).toMatchObject({ code: 'CAMERA_REDIRECT' });
    }
  });

  it('to another host is followed without the password, and with it to the same host', async () => {
    const basic = 'RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Basic realm="r"\r\n\r\n';
    const home = await serve((request) => (request.includes('Authorization') ? ok() : basic));
    const foreign = await serve(() => basic);
    const elsewhere = await serve(() => to(foreign.url.replace('127.0.0.1', 'localhost')));
    expect(await faultOf(elsewhere.url, { credentials: USER })).toMatchObject({
      code: 'CAMERA_REFUSED',
      message: expect.stringMatching(/another host/) as string,
    });
    expect(foreign.requests.join()).not.toContain('Authorization');
    const near = await serve(() => to(home.url));
    expect(await ask(near.url, { credentials: USER })).toMatchObject({ url: home.url, ours: true });
    const smuggled = await serve(() => to(home.url.replace('://', '://evil:evil@')));
    expect((await ask(smuggled.url, { credentials: USER })).url).toBe(home.url);
  });
});
