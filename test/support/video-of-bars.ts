import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { colourBars } from './colour-bars.ts';

const ENCODERS = {
  h264: ['-c:v', 'libx264', '-bf', '0'],
  h265: ['-c:v', 'libx265', '-x265-params', 'log-level=error:bframes=0'],
} as const;

/** An mp4 of colour bars with their indices, 320x240, one keyframe a second, without B-frames. */
export async function videoOfBars(options: {
  readonly codec: keyof typeof ENCODERS;
  readonly frames: number;
  readonly fps: number;
}): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'wayside-bars-'));
  const path = join(folder, 'bars.mp4');
  const input = [
    '-f',
    'rawvideo',
    '-pix_fmt',
    'rgb24',
    '-video_size',
    '320x240',
    '-framerate',
    String(options.fps),
    '-i',
    'pipe:0',
  ];
  const output = [...ENCODERS[options.codec], '-g', String(options.fps), '-pix_fmt', 'yuv420p', path];
  const encoding = promisify(execFile)('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...input, ...output]);
  for (let index = 0; index < options.frames; index++) encoding.child.stdin?.write(colourBars(320, 240, index));
  encoding.child.stdin?.end();
  await encoding;
  return { path, remove: () => rm(folder, { recursive: true }) };
}
