import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { CameraOptions } from '../../../daemon/camera/types.ts';
import { rawFrameSource } from '../../../demo/rtsp/raw-frame-source.ts';
import { type RtspServer, startRtspServer } from '../../../demo/rtsp/server.ts';
import { barError, colourBars } from '../../support/colour-bars.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith, program } from '../../support/requirements.ts';
import { type WatchedCamera, watchCamera } from '../../support/watched-camera.ts';

async function serve(): Promise<RtspServer> {
  const render = (index: number): Uint8Array => colourBars(320, 240, index);
  const server = await startRtspServer({ source: rawFrameSource({ width: 320, height: 240, fps: 25, render }) });
  onTestFinished(() => server.close());
  return server;
}

function watch(options: Partial<CameraOptions> & Pick<CameraOptions, 'url'>): WatchedCamera {
  const watched = watchCamera(options);
  onTestFinished(() => watched.camera.stop());
  return watched;
}

const folder = temporaryFolder();
const REAL = program('ffmpeg') ?? '';

/** An ffmpeg with a hardware decoder of which `act` is told. */
async function ffmpegWith(act: string): Promise<readonly string[]> {
  const path = join(folder(), 'ffmpeg');
  const lists = `case "$*" in *decoder=h264_v4l2m2m*) echo "Decoder h264_v4l2m2m [V4L2]:"; exit;; esac`;
  const script = `#!/bin/bash\n${lists}\ncase " $* " in *" h264_v4l2m2m "*) ${act};; esac\nexec ${REAL} "$@"\n`;
  await writeFile(path, script, { mode: 0o755 });
  return [path];
}
/** With its own decoder in the place of what no machine here has. */
const swap = `args=("\${@/#h264_v4l2m2m/h264}"); exec ${REAL} "\${args[@]}"`;

describeWith({ needs: ['ffmpeg'] }, 'the decoder of a camera', () => {
  it('is hardware where that decodes the stream', async () => {
    const server = await serve();
    const watched = watch({ url: server.url, decode: 'v4l2', decoder: { command: await ffmpegWith(swap) } });
    await watched.more(20);
    expect(watched.camera.status().decoder).toEqual({
      kind: 'v4l2',
      program: 'ffmpeg',
      decoder: 'h264_v4l2m2m',
      reason: null,
    });
    expect(watched.frames.every((frame) => barError(frame) < 30)).toBe(true);
    expect(watched.camera.status().reconnects).toBe(0);
    server.faults.drop();
    const before = server.requests.get('PLAY') ?? 0;
    await watched.until('lost', ({ state }) => state !== 'live');
    await watched.until('live again', ({ state }) => state === 'live');
    expect(server.requests.get('PLAY')).toBe(before + 1); // what delivered is not tried again
  });

  it.each([
    [
      'is not there',
      'echo "Could not find a valid device" >&2; exit 1',
      /h264_v4l2m2m: .*Could not find a valid device/,
    ],
    ['gives no frame', 'exec sleep 60', /h264_v4l2m2m: 0 of 3 frames within 8 s/],
    ['writes no frames', 'head --bytes=4096 /dev/zero; exit 0', /h264_v4l2m2m: .*PPM/],
  ])('is software where the hardware %s, and says why', async (_, act, why) => {
    const server = await serve();
    const watched = watch({ url: server.url, decode: 'v4l2', decoder: { command: await ffmpegWith(act) } });
    await watched.more(5);
    const { decoder, reconnects } = watched.camera.status();
    expect(decoder).toMatchObject({ kind: 'software', decoder: 'h264' });
    expect(decoder?.reason).toMatch(why);
    expect(watched.logged()).toMatch(/decoded by h264 \(software\)/);
    expect(reconnects).toBe(0);
  });

  it('is software once the hardware has failed three times in a row', async () => {
    const server = await serve();
    const dying = `args=("\${@/#h264_v4l2m2m/h264}"); exec ${REAL} -t 1 "\${args[@]}"`;
    const watched = watch({ url: server.url, decode: 'v4l2', decoder: { command: await ffmpegWith(dying) } });
    await watched.until('hardware', ({ decoder }) => decoder?.kind === 'v4l2');
    await watched.until('software', ({ decoder }) => decoder?.kind === 'software', 60_000);
    expect(watched.camera.status().decoder?.reason).toBe('h264_v4l2m2m: failed 3 times in a row');
    expect(watched.camera.status().reconnects).toBe(3);
  });

  it('is chosen anew where the camera, and not the hardware, gave nothing', async () => {
    const server = await serve();
    server.faults.mute();
    const watched = watch({
      url: server.url,
      decode: 'v4l2',
      decoder: { command: await ffmpegWith(swap) },
      firstFrameMs: 2000,
    });
    await watched.until('tried in vain', ({ reconnects }) => reconnects >= 1);
    expect(watched.camera.status().decoder).toBeNull();
    server.faults.clear();
    await watched.until('live', ({ state }) => state === 'live');
    expect(watched.camera.status().decoder).toMatchObject({ kind: 'v4l2', reason: null });
  });

  it('is software where nothing else was asked for and no device is there, and is not tried before', async () => {
    const server = await serve();
    const watched = watch({ url: server.url, decode: 'software' });
    await watched.more(5);
    expect(watched.camera.status().decoder).toMatchObject({ kind: 'software', decoder: 'h264', reason: null });
    expect(server.requests.get('PLAY')).toBe(1);
  });
});

const device = readdirSync('/dev').find((name) => /^video\d/.test(name));
const none = { name: 'no video device', met: device === undefined, hint: `there is /dev/${device}` };
describeWith({ needs: ['ffmpeg', none] }, 'the decoder of a camera, on a machine without hardware', () => {
  it('is software, with the words of the real ffmpeg where hardware was asked for', async () => {
    const server = await serve();
    const [named, left] = [watch({ url: server.url, decode: 'v4l2' }), watch({ url: server.url })];
    await Promise.all([named.more(5), left.more(5)]);
    const { decoder } = named.camera.status();
    expect(decoder).toMatchObject({ kind: 'software', reason: expect.stringContaining('h264_v4l2m2m: ') as string });
    expect(left.camera.status().decoder).toEqual({ ...decoder, reason: null });
  });
});

describeWith({ needs: ['ffmpeg', 'gst-launch-1.0'] }, 'the pipeline of a Jetson', () => {
  it('delivers whole images at the rate asked for, with software in the place of its hardware', async () => {
    const real = program('gst-launch-1.0');
    const named = `args=("\${@/#nvv4l2decoder/avdec_h264}"); args=("\${args[@]/#nvvidconv/videoconvert}")`;
    await writeFile(join(folder(), 'gst-launch-1.0'), `#!/bin/bash\n${named}\nexec ${real} "\${args[@]}"\n`, {
      mode: 0o755,
    });
    await writeFile(join(folder(), 'gst-inspect-1.0'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
    vi.stubEnv('PATH', `${folder()}:${process.env['PATH']}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const server = await serve();
    const watched = watch({ url: server.url, decode: 'jetson', rate: 5 });
    await watched.more(10);
    expect(watched.camera.status().decoder).toMatchObject({
      kind: 'jetson',
      program: 'gstreamer',
      decoder: 'nvv4l2decoder',
    });
    expect(watched.frames.every((frame) => frame.width === 320 && barError(frame) < 30)).toBe(true);
    expect(watched.camera.status().fpsIn).toBeLessThan(7);
    server.faults.mute();
    await watched.until('stalled', ({ state }) => state === 'stalled');
  });
});
