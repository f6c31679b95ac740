import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { CameraOptions } from '../../../daemon/camera/types.ts';
import { rawFrameSource } from '../../../demo/rtsp/raw-frame-source.ts';
import { type RtspServer, type RtspServerOptions, startRtspServer } from '../../../demo/rtsp/server.ts';
import { certificates } from '../../support/certificates.ts';
import { barError, colourBars } from '../../support/colour-bars.ts';
import { describeWith } from '../../support/requirements.ts';
import { type WatchedCamera, watchCamera } from '../../support/watched-camera.ts';

async function serve(options: Partial<RtspServerOptions> = {}, fps = 25): Promise<RtspServer> {
  const render = (index: number): Uint8Array => colourBars(320, 240, index);
  const server = await startRtspServer({
    source: rawFrameSource({ width: 320, height: 240, fps, render }),
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}

function watch(options: Partial<CameraOptions> & Pick<CameraOptions, 'url'>): WatchedCamera {
  const watched = watchCamera(options);
  onTestFinished(() => watched.camera.stop());
  return watched;
}

const live = (watched: WatchedCamera, withinMs?: number): Promise<number> =>
  watched.until('live', (status) => status.state === 'live', withinMs);
const reason = (watched: WatchedCamera, code: string): Promise<number> =>
  watched.until(code, (status) => status.reason?.code === code);

describeWith({ needs: ['ffmpeg'] }, 'a camera that is hard to reach', () => {
  it('is reached when it answers every request after 4.5 s, six of them at once', async () => {
    const server = await serve();
    server.faults.delay(4500);
    const cameras = Array.from({ length: 6 }, () => watch({ url: server.url, stallMs: 3000 }));
    await Promise.all(cameras.map((watched) => live(watched, 60_000)));
    expect(cameras.map(({ camera }) => camera.status().reconnects)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it.each([
    ['html', 'CAMERA_NOT_RTSP', /web server/],
    ['empty', 'CAMERA_NO_VIDEO', /empty/],
    ['audio-only', 'CAMERA_NO_VIDEO', /audio only/],
  ] as const)('says why: %s', async (as, code, words) => {
    const server = await serve();
    server.faults.misdescribe(as);
    const watched = watch({ url: server.url });
    await reason(watched, code);
    expect(watched.camera.status().reason?.message).toMatch(words);
    server.faults.clear();
    await live(watched);
  });

  it('is not asked thousands of times when it redirects to itself', async () => {
    const server = await serve();
    server.faults.misdescribe({ redirect: server.url });
    const watched = watch({ url: server.url });
    await watched.until('five attempts', ({ reconnects }) => reconnects >= 5);
    expect(watched.camera.status().reason?.code).toBe('CAMERA_REDIRECT');
    expect(server.requests.get('DESCRIBE')).toBeLessThanOrEqual(6);
  });

  it('is followed to where it sends us, with the password where that is the same host', async () => {
    const credentials = { username: 'operator', password: 'p@ss:word' };
    const there = await serve({ credentials });
    const here = await serve();
    here.faults.misdescribe({ redirect: there.url });
    await live(watch({ url: here.url, ...credentials }));
    here.faults.misdescribe({ redirect: there.url.replace('127.0.0.1', 'localhost') });
    const watched = watch({ url: here.url, ...credentials });
    await reason(watched, 'CAMERA_REFUSED');
    expect(watched.camera.status().reason?.message).toMatch(/another host/);
  });

  it('that has UDP alone says so, and is live with udp or auto', async () => {
    const server = await serve();
    server.faults.refuse('transport');
    const tcp = watch({ url: server.url });
    await reason(tcp, 'CAMERA_TRANSPORT');
    for (const transport of ['udp', 'auto'] as const) {
      const watched = watch({ url: server.url, transport });
      await live(watched);
      await watched.more(10);
      await watched.until('clean', () => barError(watched.frames.at(-1)!) < 40);
    }
  });

  it('that sends one frame in 6 s is not started anew for ever', async () => {
    const server = await serve({}, 1 / 6);
    const watched = watch({ url: server.url, stallMs: 2000 });
    await live(watched, 60_000);
    await watched.until('four frames of one connection', ({ received }) => received >= 4, 90_000);
    expect(watched.camera.status()).toMatchObject({ state: 'live', reconnects: 0 });
  });
});

describeWith({ needs: ['ffmpeg', 'openssl'] }, 'a camera behind TLS', () => {
  let folder: string;
  let server: RtspServer;
  let ca: string;
  const credentials = { username: 'operator', password: 'behind-tls' };

  beforeAll(async () => {
    const inside = await mkdtemp(join(tmpdir(), 'wayside-rtsps-'));
    folder = await certificates(inside);
    ca = await readFile(join(folder, 'ca.pem'), 'utf8');
    return () => rm(inside, { recursive: true });
  });

  const start = async (): Promise<void> => {
    const [key, cert] = await Promise.all(['server.key', 'server.pem'].map((name) => readFile(join(folder, name))));
    server = await serve({ tls: { key: key!, cert: cert! }, credentials });
  };

  it('is not believed for any certificate', async () => {
    await start();
    const watched = watch({ url: server.url, ...credentials });
    await reason(watched, 'CAMERA_TLS');
    expect(watched.camera.status().reason?.message).toMatch(/not trusted .*`ca`/);
    expect(server.requests.size, 'nothing was asked, and no password given').toBe(0);
  });

  it.each(['by its authority', 'by itself', 'insecurely, where that is asked for'])(
    'is live when trusted %s',
    async (how) => {
      await start();
      const own = await readFile(join(folder, 'server.pem'), 'utf8');
      const trust = how === 'by its authority' ? { ca } : how === 'by itself' ? { ca: own } : { insecure: true };
      const watched = watch({ url: server.url, trust, ...credentials });
      await live(watched);
      await watched.more(20);
      expect(barError(watched.frames.at(-1)!)).toBeLessThan(40);
      server.faults.drop();
      await watched.until('lost', (status) => status.state === 'connecting');
      await live(watched);
    },
  );

  it('is refused with a wrong password, and when nothing there speaks TLS', async () => {
    await start();
    await reason(watch({ url: server.url, trust: { ca }, username: 'operator', password: 'wrong' }), 'CAMERA_REFUSED');
    const plain = await serve();
    await reason(watch({ url: plain.url.replace('rtsp:', 'rtsps:'), trust: { ca }, connectMs: 2000 }), 'CAMERA_TLS');
  });
});
