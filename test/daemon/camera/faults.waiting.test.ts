import { beforeEach, expect, it, onTestFinished } from 'vitest';
import type { CameraOptions } from '../../../daemon/camera/types.ts';
import type { Credentials } from '../../../demo/rtsp/auth.ts';
import { rawFrameSource } from '../../../demo/rtsp/raw-frame-source.ts';
import { type RtspServer, startRtspServer } from '../../../demo/rtsp/server.ts';
import { barError, colourBars } from '../../support/colour-bars.ts';
import { childrenOf } from '../../support/processes.ts';
import { describeWith } from '../../support/requirements.ts';
import { type WatchedCamera, watchCamera } from '../../support/watched-camera.ts';

async function serve(options: { port?: number; credentials?: Credentials } = {}): Promise<RtspServer> {
  const source = rawFrameSource({ width: 320, height: 240, fps: 25, render: (index) => colourBars(320, 240, index) });
  const server = await startRtspServer({ source, ...options });
  onTestFinished(() => server.close());
  return server;
}

function watch(options: Partial<CameraOptions> & Pick<CameraOptions, 'url'>): WatchedCamera {
  const watched = watchCamera(options);
  onTestFinished(() => watched.camera.stop());
  return watched;
}

const tell = (what: string, ms: number): void => console.log(`  ${what}: ${(ms / 1000).toFixed(2)} s`);
const live = (watched: WatchedCamera): Promise<number> => watched.until('live', (status) => status.state === 'live');

describeWith({ needs: ['ffmpeg'] }, 'a camera in trouble', () => {
  let server: RtspServer;
  let watched: WatchedCamera;
  beforeEach(async () => {
    server = await serve();
    watched = watch({ url: server.url, stallMs: 1500, firstFrameMs: 3000 });
    await live(watched);
  });

  it.each(['freeze', 'mute'] as const)('notices a %s and is live again when it ends', async (fault) => {
    server.faults[fault]();
    tell(`${fault}, noticed after`, await watched.until('stalled', (status) => status.state === 'stalled'));
    expect(watched.camera.status().reason).toMatchObject({ code: 'CAMERA_LOST' });
    server.faults.clear();
    tell(`${fault}, live again after its end`, await live(watched));
    await watched.more(10);
  });

  it('stays stalled, with one decoder at a time, while the fault lasts', async () => {
    server.faults.mute();
    await watched.until('three attempts', (status) => status.reconnects >= 3);
    expect(watched.camera.status().state).toBe('stalled');
    expect(
      (await childrenOf(process.pid)).filter((child) => child.command.includes('concat')).length,
    ).toBeLessThanOrEqual(1);
    server.faults.clear();
    await live(watched);
  });

  it('comes back after its connection was dropped', async () => {
    server.faults.drop();
    tell('drop, noticed after', await watched.until('lost', (status) => status.state === 'connecting'));
    expect(watched.camera.status().reason).toEqual({ code: 'CAMERA_LOST', message: 'the camera ended the stream' });
    tell('drop, live again after', await live(watched));
  });

  it('comes back when the camera was switched off and on', async () => {
    await server.close();
    await watched.until('unreachable', (status) => /refused/i.test(status.reason?.message ?? ''));
    expect(watched.camera.status().state, 'nobody answers: that is no refusal of ours').toBe('connecting');
    await serve({ port: server.port });
    tell('restart, live again after', await live(watched));
    await watched.more(10);
  });

  it('is refused while the camera denies it or the path, and live when it no longer does', async () => {
    for (const how of ['unauthorized', 'not-found'] as const) {
      server.faults.refuse(how);
      server.faults.drop();
      tell(`${how}, noticed after`, await watched.until('refused', (status) => status.state === 'refused'));
      expect(watched.camera.status().reason?.code).toBe('CAMERA_REFUSED');
      server.faults.clear();
      tell(`${how}, live again after`, await live(watched));
    }
  });

  it('lives through a garbled stream and shows clean images after it', async () => {
    server.faults.garble(0.3);
    const [seen] = [watched.camera.status().received];
    await watched.until('garbage decoded', (status) => status.received > seen + 50);
    server.faults.clear();
    await watched.until('clean', () => watched.frames.length > 0 && barError(watched.frames.at(-1)!) < 30);
    await watched.more(25);
    expect(barError(watched.frames.at(-1)!)).toBeLessThan(30);
  });

  it('is replaced when its decoder dies', async () => {
    const decoder = (await childrenOf(process.pid)).find((child) => child.command.includes('concat'))!;
    process.kill(decoder.pid, 'SIGKILL');
    await watched.until('noticed', (status) => status.state === 'connecting');
    tell('decoder killed, live again after', await live(watched));
  });

  it('leaves no decoder behind when stopped, in whatever phase', async () => {
    await watched.camera.stop();
    const early = watchCamera({ url: server.url });
    await early.camera.stop();
    const again = watchCamera({ url: server.url });
    await again.more(1);
    await Promise.all([again.camera.stop(), again.camera.stop()]);
    expect((await childrenOf(process.pid)).filter((child) => child.command.includes('concat'))).toEqual([]);
    expect(again.camera.status().state).toBe('stopped');
  });
});

const PASSWORD = "Zw3i%tes/Ge'heim@nis";

describeWith({ needs: ['ffmpeg'] }, 'the password of a camera', () => {
  it.each(['basic', 'digest'] as const)('opens a %s camera and is seen nowhere', async (scheme) => {
    const server = await serve({ credentials: { username: 'operator', password: PASSWORD, scheme } });
    const watched = watch({ url: server.url, username: 'operator', password: PASSWORD });
    await live(watched);
    const children = await childrenOf(process.pid);
    expect(children.some((child) => child.command.includes('concat'))).toBe(true);
    for (const { command, environment } of children) {
      for (const spelling of [PASSWORD, encodeURIComponent(PASSWORD)]) {
        expect(command).not.toContain(spelling);
        expect(environment).not.toContain(spelling);
      }
    }
  });

  it('is refused when wrong, and not told to the log', async () => {
    const server = await serve({ credentials: { username: 'operator', password: PASSWORD } });
    const wrong = `${PASSWORD}-not`;
    const watched = watch({ url: server.url, username: 'operator', password: wrong });
    tell('wrong password, noticed after', await watched.until('refused', (status) => status.state === 'refused'));
    await watched.until('a second attempt', (status) => status.reconnects >= 1 && status.state === 'refused');
    const told = watched.logged() + JSON.stringify(watched.statuses);
    expect(told).toContain('401');
    for (const spelling of [wrong, encodeURIComponent(wrong)]) expect(told).not.toContain(spelling);
  });
});
