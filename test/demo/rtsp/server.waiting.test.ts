import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { rawFrameSource } from '../../../demo/rtsp/raw-frame-source.ts';
import { type RtspServer, type RtspServerOptions, startRtspServer } from '../../../demo/rtsp/server.ts';
import { videoFileSource } from '../../../demo/rtsp/video-file-source.ts';
import { colourBars } from '../../support/colour-bars.ts';
import { describeWith, sharedData } from '../../support/requirements.ts';

async function serve(options: Partial<RtspServerOptions> = {}): Promise<RtspServer> {
  const source = rawFrameSource({ width: 320, height: 240, fps: 25, render: (index) => colourBars(320, 240, index) });
  const server = await startRtspServer({ source, ...options });
  onTestFinished(() => server.close());
  return server;
}

/** What a foreign client (FFmpeg's own tools) makes of a stream: presentation times of the first frames after the first. */
async function timesOf(url: string, transport: 'tcp' | 'udp' = 'tcp', frames = 30): Promise<number[]> {
  const args = [
    '-v',
    'error',
    '-rtsp_transport',
    transport,
    '-i',
    url,
    '-frames:v',
    String(frames),
    '-f',
    'framecrc',
    '-',
  ];
  const { stdout } = await promisify(execFile)('ffmpeg', ['-nostdin', ...args], { timeout: 30_000 });
  return stdout.split('\n').flatMap((line) => (/^0,/.test(line) ? [Number(line.split(',')[2])] : []));
}

describeWith({ needs: ['ffmpeg'] }, 'the RTSP server', () => {
  it('serves several clients at once, without a gap', async () => {
    const server = await serve();
    const sent: number[] = [];
    server.onFrameSent(({ index }) => void sent.push(index));
    const all = await Promise.all([timesOf(server.url), timesOf(server.url), timesOf(server.url)]);
    for (const times of all) expect(times).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(sent).toEqual(sent.map((_, i) => sent[0]! + i));
  });

  it('asks for credentials, by Basic and by Digest', async () => {
    for (const scheme of ['basic', 'digest'] as const) {
      const server = await serve({ credentials: { username: 'u', password: 'p', scheme } });
      await expect(timesOf(server.url)).rejects.toThrow('401');
      expect(await timesOf(server.url.replace('//', '//u:p@'))).toHaveLength(30);
    }
  });

  it('serves over UDP too, and refuses other paths', async () => {
    const server = await serve();
    expect((await timesOf(server.url, 'udp')).length).toBeGreaterThan(25); // datagrams may be lost, also on loopback
    await expect(timesOf(`${server.url}/other`)).rejects.toThrow('404');
  });

  it('closes the connection of one who does not speak RTSP, and serves on', async () => {
    const server = await serve();
    const socket = connect(server.port, '127.0.0.1');
    socket.end('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
    expect(await timesOf(server.url)).toHaveLength(30);
  });

  it('says why where the port is taken or the source broken', async () => {
    const server = await serve();
    await expect(serve({ port: server.port })).rejects.toMatchObject({ code: 'LISTEN_FAILED' });
    await expect(videoFileSource('/nonexistent.mp4')).rejects.toMatchObject({ code: 'VIDEO_SOURCE_FAILED' });
    const source = rawFrameSource({
      width: 320,
      height: 240,
      fps: 25,
      ffmpeg: 'false',
      render: () => new Uint8Array(3),
    });
    await expect(startRtspServer({ source })).rejects.toMatchObject({ code: 'VIDEO_SOURCE_FAILED' });
  });
});

describeWith({ needs: ['ffmpeg', 'data'] }, 'the RTSP server on real videos', () => {
  it.each(['vct-input-video.mp4', 'intel-car-detection.mp4', 'toc-pedestrian-surveillance.mp4'])(
    'plays %s',
    async (name) => {
      const source = await videoFileSource(join(sharedData()!, 'video', name));
      const times = await timesOf((await serve({ source })).url);
      expect(times).toEqual(Array.from({ length: 30 }, (_, i) => i));
    },
  );
});
