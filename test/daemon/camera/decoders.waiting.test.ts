import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect, it, onTestFinished } from 'vitest';
import { DecoderCommands } from '../../../daemon/camera/decoder-command.ts';
import { rawFrameSource } from '../../../demo/rtsp/raw-frame-source.ts';
import { type RtspServer, type RtspServerOptions, startRtspServer } from '../../../demo/rtsp/server.ts';
import { barError, colourBars, shownIndex } from '../../support/colour-bars.ts';
import { describeWith } from '../../support/requirements.ts';
import { watchCamera } from '../../support/watched-camera.ts';

async function serve(ffmpeg: string, options: Partial<RtspServerOptions> = {}): Promise<RtspServer> {
  const render = (index: number): Uint8Array => colourBars(320, 240, index);
  const server = await startRtspServer({
    source: rawFrameSource({ width: 320, height: 240, fps: 25, render, ffmpeg }),
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}

function staticFfmpeg(): string | undefined {
  try {
    const { path } = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string };
    return existsSync(path) ? path : undefined;
  } catch {
    return undefined; // not built for this processor
  }
}

const old = staticFfmpeg();
const needs = [{ name: '@ffmpeg-installer/ffmpeg', met: old !== undefined, hint: 'it has no binary for this machine' }];

describeWith({ needs }, "npm's static ffmpeg of 2018", () => {
  it('encodes and decodes the loopback camera, and tells the time of each frame', async () => {
    const server = await serve(old!);
    const watched = watchCamera({ url: server.url, decoder: { command: [old!] }, rate: 12.5 });
    onTestFinished(() => watched.camera.stop());
    await watched.more(40);
    const first = server.sessions[0]!.firstFrame!;
    for (const frame of watched.frames) {
      expect(barError(frame)).toBeLessThan(30);
      if (frame.ptsSeconds !== null) expect(first + Math.round(frame.ptsSeconds * 25)).toBe(shownIndex(frame));
    }
    expect(watched.camera.status().received).toBeGreaterThan(75);
  });

  it('opens a camera with a password without showing it', async () => {
    const server = await serve(old!, { credentials: { username: 'u', password: 'secret-of-2018' } });
    const watched = watchCamera({
      url: server.url,
      decoder: { command: [old!] },
      username: 'u',
      password: 'secret-of-2018',
    });
    onTestFinished(() => watched.camera.stop());
    await watched.more(5);
    expect(watched.logged()).not.toContain('secret-of-2018');
  });

  it('is known by what it can do', async () => {
    const known = await new DecoderCommands().ffmpegFor({ decoder: { command: [old!] } });
    expect(known).toMatchObject({ listsOptions: false, timeoutOption: 'stimeout', timeReport: 'stderr' });
  });
});

describeWith({ needs: ['ffmpeg'] }, 'a decoder of another kind', () => {
  it('needs only to write PPM', async () => {
    const server = await serve('ffmpeg');
    const output = ['-f', 'image2pipe', '-c:v', 'ppm', '-threads', '1', '-pix_fmt', 'rgb24', 'pipe:1'];
    const command = ['ffmpeg', '-nostdin', '-loglevel', 'error', '-rtsp_transport', 'tcp', '-i', '{url}', ...output];
    const watched = watchCamera({ url: server.url, decoder: { command } });
    onTestFinished(() => watched.camera.stop());
    await watched.more(20);
    expect(watched.frames.every((frame) => frame.ptsSeconds === null && barError(frame) < 30)).toBe(true);
    expect(watched.camera.status().received).toBe(watched.frames.length);
    server.faults.mute();
    await watched.until('stalled', (status) => status.state === 'stalled');
  });

  it.each([
    ['is missing', ['/nonexistent/ffmpeg'], 'nonexistent'],
    ['is no ffmpeg', ['true'], 'does not call itself ffmpeg'],
    ['writes something else', ['echo', 'not an image but a long enough line of text to be sure of that'], 'no PPM'],
  ])('is reported when it %s, and tried again', async (_, command, words) => {
    const watched = watchCamera({ url: 'rtsp://127.0.0.1:1/', decoder: { command } });
    onTestFinished(() => watched.camera.stop());
    await watched.until('reported', ({ reason }) => reason?.code === 'DECODER_UNAVAILABLE');
    expect(watched.camera.status()).toMatchObject({
      state: 'connecting',
      reason: { message: expect.stringContaining(words) as string },
    });
    await watched.until('tried again', ({ reconnects }) => reconnects >= 2);
  });
});

describeWith({ needs: ['ffmpeg', 'gst-launch-1.0'] }, 'a GStreamer decoder', () => {
  it('delivers whole, clean images at low latency', async () => {
    const server = await serve('ffmpeg');
    const decode = 'rtph264depay ! h264parse ! avdec_h264 output-corrupt=false ! videoconvert';
    const newest = 'queue leaky=downstream max-size-buffers=1';
    const pipeline = `rtspsrc location={url} protocols=tcp latency=0 ! ${decode} ! ${newest} ! video/x-raw,format=RGB ! pnmenc ! fdsink fd=1`;
    const watched = watchCamera({
      url: server.url,
      decoder: { command: ['gst-launch-1.0', '-q', ...pipeline.split(' ')] },
    });
    onTestFinished(() => watched.camera.stop());
    await watched.more(50);
    expect(watched.frames.every((frame) => barError(frame) < 30)).toBe(true);
    server.faults.drop();
    await watched.until('lost', (status) => status.state === 'connecting');
    await watched.until('live again', (status) => status.state === 'live');
  });
});
