import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { runChild } from './process/child.ts';
import type { Workplace } from './workplace.ts';

export const CLIP = { width: 1280, height: 720, fps: 25 } as const;

/**
 * The roadside clip scaled up to 720p at 25 frames a second, H.264 as cameras send it: a keyframe a second, no B-frames,
 * 4 Mbit/s. Made once and kept.
 */
export async function clip720p25({ data, cache, signal, say }: Workplace): Promise<string> {
  const path = join(cache, 'vct-720p25.mp4');
  if (existsSync(path)) return path;
  say('scaling the clip to 720p25 (once)');
  const fresh = join(cache, `.vct-720p25.${process.pid}.mp4`);
  const source = join(data, 'video', 'vct-input-video.mp4');
  const filter = `fps=${CLIP.fps},scale=${CLIP.width}:${CLIP.height}:flags=bicubic`;
  const coding = ['-c:v', 'libx264', '-preset', 'medium', '-b:v', '4M', '-maxrate', '4M', '-bufsize', '4M', '-bf', '0'];
  const keyframes = [
    '-g',
    String(CLIP.fps),
    '-keyint_min',
    String(CLIP.fps),
    '-sc_threshold',
    '0',
    '-pix_fmt',
    'yuv420p',
  ];
  const args = [
    '-nostdin',
    '-loglevel',
    'error',
    '-y',
    '-i',
    source,
    '-an',
    '-vf',
    filter,
    ...coding,
    ...keyframes,
    fresh,
  ];
  await runChild('ffmpeg', args, { signal });
  await rename(fresh, path);
  return path;
}
