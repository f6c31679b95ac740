import { expect, it, onTestFinished } from 'vitest';
import { startCamera } from '../../../daemon/camera/camera.ts';
import type { CameraOptions, Frame } from '../../../daemon/camera/types.ts';
import { rawFrameSource } from '../../../demo/rtsp/raw-frame-source.ts';
import { type RtspServer, startRtspServer } from '../../../demo/rtsp/server.ts';
import type { VideoSource } from '../../../demo/rtsp/source.ts';
import { videoFileSource } from '../../../demo/rtsp/video-file-source.ts';
import { barError, colourBars, shownIndex } from '../../support/colour-bars.ts';
import { describeWith } from '../../support/requirements.ts';
import { videoOfBars } from '../../support/video-of-bars.ts';
import { type WatchedCamera, watchCamera } from '../../support/watched-camera.ts';

const bars = (width = 320, height = 240, fps = 25): VideoSource =>
  rawFrameSource({ width, height, fps, render: (index) => colourBars(width, height, index) });

async function serve(source: VideoSource): Promise<RtspServer> {
  const server = await startRtspServer({ source });
  onTestFinished(() => server.close());
  return server;
}

function watch(options: Partial<CameraOptions> & Pick<CameraOptions, 'url'>): WatchedCamera {
  const watched = watchCamera(options);
  onTestFinished(() => watched.camera.stop());
  return watched;
}

describeWith({ needs: ['ffmpeg'] }, 'a camera decoded', () => {
  it('gives the colours that were sent, and the time of each frame says exactly which it is', async () => {
    const server = await serve(bars());
    const watched = watch({ url: server.url });
    await watched.more(60);
    const first = server.sessions[0]!.firstFrame!;
    for (const frame of watched.frames) {
      expect(barError(frame)).toBeLessThan(30);
      if (frame.ptsSeconds !== null) expect(first + Math.round(frame.ptsSeconds * 25)).toBe(shownIndex(frame));
    }
    expect(watched.frames.filter((frame) => frame.ptsSeconds === null).length).toBeLessThanOrEqual(1);
    const indices = watched.frames.map(shownIndex);
    expect(indices).toEqual(indices.map((_, i) => indices[0]! + i));
  });

  it('is scaled as asked: shorter side, stretched, never enlarged, or left alone', async () => {
    const server = await serve(bars(320, 240));
    const sizes = [{ shorterSide: 60 }, { shorterSide: 1000 }, { width: 64, height: 64 }, 'native'] as const;
    const cameras = sizes.map((workingSize) => watch({ url: server.url, workingSize }));
    await Promise.all(cameras.map((watched) => watched.more(2)));
    expect(cameras.map(({ frames }) => [frames[0]!.width, frames[0]!.height])).toEqual([
      [80, 60],
      [320, 240],
      [64, 64],
      [320, 240],
    ]);
    expect(server.sessions).toHaveLength(4);
  });

  it.each([5, 10, 60])(
    'begins with the first frame and tells times exactly, with %i frames a second asked for',
    async (rate) => {
      const server = await serve(bars());
      const watched = watch({ url: server.url, rate });
      await watched.more(12);
      const first = server.sessions[0]!.firstFrame!;
      expect(shownIndex(watched.frames[0]!)).toBe(first);
      for (const frame of watched.frames) {
        if (frame.ptsSeconds !== null) expect(first + Math.round(frame.ptsSeconds * 25)).toBe(shownIndex(frame));
      }
    },
  );

  it.each([3, 10, 20])('delivers %i of 25 frames a second, on average', async (rate) => {
    const server = await serve(bars());
    const watched = watch({ url: server.url, rate });
    await watched.more(rate * 4);
    const [head, last] = [watched.frames[3]!, watched.frames.at(-1)!];
    const perSecond = (last.sequence - head.sequence) / (last.ptsSeconds! - head.ptsSeconds!);
    expect(Math.abs(perSecond - rate)).toBeLessThan(rate * 0.1);
    expect(watched.camera.status().received).toBeGreaterThan(75);
  });

  it.each(['h264', 'h265'] as const)('comes from a looping %s file', async (codec) => {
    const file = await videoOfBars({ codec, frames: 50, fps: 25 });
    onTestFinished(() => file.remove());
    const server = await serve(await videoFileSource(file.path));
    const watched = watch({ url: server.url });
    await watched.more(120); // more than two rounds
    const first = server.sessions[0]!.firstFrame!;
    for (const frame of watched.frames) {
      expect(barError(frame)).toBeLessThan(40);
      if (frame.ptsSeconds !== null) expect((first + Math.round(frame.ptsSeconds * 25)) % 50).toBe(shownIndex(frame));
    }
  });

  it('survives a change of resolution and shows the new shape undistorted', async () => {
    const [wide, tall] = [bars(320, 160), bars(160, 320)];
    const turned = new AbortController();
    const turning: VideoSource = {
      codec: 'h264',
      fps: 25,
      async run(deliver, signal) {
        let index = 0;
        const count = (frame: { unit: Parameters<typeof deliver>[0]['unit'] }): void =>
          deliver({ index: index++, unit: frame.unit });
        await wide.run(count, AbortSignal.any([signal, turned.signal]));
        if (!signal.aborted) await tall.run(count, signal);
      },
    };
    const watched = watch({ url: (await serve(turning)).url });
    await watched.more(10);
    turned.abort();
    await watched.until('tall', () => watched.frames.at(-1)!.height > watched.frames.at(-1)!.width);
    await watched.more(5);
    const shapes = new Set(watched.frames.map(({ width, height }) => `${width}x${height}`));
    expect([...shapes]).toEqual(['240x120', '120x240']);
    expect(watched.frames.every((frame) => barError(frame) < 60)).toBe(true);
  });

  it('keeps the newest frame for a slow taker, and counts the ones it replaced', async () => {
    const server = await serve(bars());
    const taken: Frame[] = [];
    let told = 0;
    const enough = new Promise<void>((resolve) => {
      const camera = startCamera(
        { id: 'slow', url: server.url, rate: 0, workingSize: { shorterSide: 120 } },
        {
          onFrame: () => {
            if (++told % 5 === 0) taken.push(camera.takeFrame()!);
            if (told < 50) return;
            const { analysed, dropped, received } = camera.status();
            expect([analysed, dropped]).toEqual([10, 40]);
            expect(received).toBeGreaterThanOrEqual(50);
            expect(camera.takeFrame()).toBeUndefined();
            resolve();
          },
        },
      );
      onTestFinished(() => camera.stop());
    });
    await enough;
    expect(taken.map((frame) => frame.sequence)).toEqual([4, 9, 14, 19, 24, 29, 34, 39, 44, 49]);
    const first = shownIndex(taken[0]!);
    expect(taken.map(shownIndex), 'the memory of a taken frame was used again').toEqual(
      taken.map((_, i) => first + 5 * i),
    );
  });
});
