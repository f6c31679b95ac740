import { expect, it, onTestFinished } from 'vitest';
import { rawFrameSource } from '../../../demo/rtsp/raw-frame-source.ts';
import { startRtspServer } from '../../../demo/rtsp/server.ts';
import { colourBars } from '../../support/colour-bars.ts';
import { describeWith } from '../../support/requirements.ts';
import { watchCamera } from '../../support/watched-camera.ts';

describeWith({ needs: ['ffmpeg'] }, 'a camera that is live and blind', () => {
  it('says that its image has stopped within 30 s, and when it moves again', async () => {
    let stopped: number | undefined;
    const render = (index: number): Uint8Array => colourBars(320, 240, stopped ?? index).fill(90, 0, 320 * 60 * 3);
    const server = await startRtspServer({ source: rawFrameSource({ width: 320, height: 240, fps: 25, render }) });
    onTestFinished(() => server.close());
    const watched = watchCamera({ url: server.url, rate: 5 });
    onTestFinished(() => watched.camera.stop());
    await watched.more(10);
    expect(watched.camera.status()).toMatchObject({ state: 'live', view: 'ok', concerns: [] });
    stopped = 7;
    const took = await watched.until('frozen', ({ view }) => view === 'frozen', 40_000);
    expect(took).toBeLessThan(30_000);
    await watched.until('told', ({ reason }) => reason?.code === 'CAMERA_VIEW');
    expect(watched.camera.status().state).toBe('live');
    stopped = undefined;
    await watched.until('alive', ({ view, reason }) => view === 'ok' && reason === undefined, 5000);
  });

  it.each([
    ['stand still', 0],
    ['creep', 0.05],
  ])('goes on being analysed when its timestamps %s, and says so', async (_, speed) => {
    const render = (index: number): Uint8Array => colourBars(320, 240, index).fill(90, 0, 320 * 60 * 3);
    const server = await startRtspServer({ source: rawFrameSource({ width: 320, height: 240, fps: 25, render }) });
    onTestFinished(() => server.close());
    server.faults.time(speed);
    const watched = watchCamera({ url: server.url, rate: 5 });
    onTestFinished(() => watched.camera.stop());
    await watched.until('told', ({ state, reason }) => state === 'live' && reason?.code === 'CAMERA_CLOCK');
    const from = performance.now();
    const before = watched.frames.length;
    await watched.until('50 frames', () => watched.frames.length >= before + 50, 20_000);
    const rate = 50 / ((performance.now() - from) / 1000);
    expect(rate).toBeGreaterThan(4);
    expect(rate).toBeLessThan(6.5);
    expect(watched.frames.at(-1)).toMatchObject({ ptsSeconds: null, lagMs: null });
    server.faults.clear();
    server.faults.drop();
    await watched.until(
      'in time again',
      ({ state, reason, lagMs }) => state === 'live' && reason === undefined && lagMs !== null,
    );
  });
});
