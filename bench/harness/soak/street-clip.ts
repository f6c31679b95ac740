import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { startEncoder } from '../../../demo/rtsp/encoder-child.ts';
import { createScene } from '../../../demo/scene/scene.ts';
import type { Workplace } from '../workplace.ts';

/** Every other image of the scene, at the size of the demonstration's detector: a camera that costs the machine next to nothing. */
const STEP = 2;
const SIZE = { width: 336, height: 192 } as const;
const SECONDS = 60;
export const SEED = 70_001;

/** A minute of the rendered street as H.264 that is served without being encoded again: a keyframe a second, no B-frames. */
export async function streetClip({ cache, signal, say }: Workplace): Promise<string> {
  const folder = join(cache, 'street');
  const path = join(folder, `clip-${SEED}.mp4`);
  if (existsSync(path)) return path;
  say('rendering a minute of the street (once)');
  await mkdir(folder, { recursive: true });
  const scene = createScene(SEED);
  const fps = scene.fps / STEP;
  const fresh = join(folder, `.clip-${SEED}.${process.pid}.mp4`);
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', `${scene.width}x${scene.height}`];
  const filter = ['-vf', `scale=${SIZE.width}:${SIZE.height}:flags=area`, '-pix_fmt', 'yuv420p'];
  const coding = ['-c:v', 'libx264', '-bf', '0', '-crf', '20', '-g', String(fps), '-keyint_min', String(fps)];
  const args = [
    ...input,
    '-framerate',
    String(fps),
    '-i',
    'pipe:0',
    ...filter,
    ...coding,
    '-sc_threshold',
    '0',
    '-y',
    fresh,
  ];
  const { child, ended } = startEncoder('ffmpeg', args, signal);
  for (let frame = 0; frame < SECONDS * fps && !signal.aborted; frame++) {
    const { image } = scene.frame(frame * STEP);
    if (!child.stdin.write(image.data))
      await Promise.race([new Promise((done) => child.stdin.once('drain', done)), ended]);
  }
  child.stdin.end();
  await ended;
  signal.throwIfAborted();
  await rename(fresh, path);
  return path;
}
