import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from './requirements.ts';

/** From 5.0 ffmpeg reads its input at a rate that is asked for. */
export const READS_AT_A_RATE = {
  name: 'an ffmpeg that knows -readrate',
  get met(): boolean {
    const ffmpeg = program('ffmpeg');
    return ffmpeg !== undefined && execFileSync(ffmpeg, ['-hide_banner', '-h', 'long']).includes('-readrate');
  },
  hint: 'ffmpeg 5.0 or newer',
};

/**
 * An ffmpeg that works off so much of a second's frames in each second, as on a board that is too hot, or too small for the stream: by the
 * times of the stream, so that it is as slow on a busy machine as on an idle one. Keyframes alone are a tenth of the work, for which it is
 * fast enough.
 *
 * Stopped and continued in turn, for a share of the processor that decoding had been measured to take, it kept up with its camera where
 * other tests ran beside the measuring and no longer beside the decoding.
 */
export async function throttledDecoder(
  /** Of the speed at which frames are taken. */
  speed: number,
): Promise<{ readonly command: readonly [string]; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'wayside-throttle-'));
  const path = join(folder, 'ffmpeg');
  const script = `#!/bin/sh
case "$*" in
  *-version*|*-h\\ *|*"-skip_frame nokey"*) exec ffmpeg "$@" ;;
  *) exec ffmpeg -readrate ${speed} "$@" ;;
esac
`;
  await writeFile(path, script, { mode: 0o755 });
  return { command: [path], remove: () => rm(folder, { recursive: true }) };
}
