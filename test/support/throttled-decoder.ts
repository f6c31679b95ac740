import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * An ffmpeg that is stopped and continued in turn, so that it works for a small part of the time: as on a board that is too hot, or too
 * small for the stream.
 */
export async function throttledDecoder(options: {
  readonly stoppedSeconds: number;
  readonly workingSeconds: number;
}): Promise<{ readonly command: readonly [string]; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'wayside-throttle-'));
  const path = join(folder, 'ffmpeg');
  const script = `#!/bin/bash
case "$*" in *-version*|*-h\\ *) exec ffmpeg "$@";; esac
setpriv --pdeathsig KILL ffmpeg "$@" <&0 &
child=$!
while kill -CONT $child 2>/dev/null; do
  sleep ${options.workingSeconds}
  kill -STOP $child 2>/dev/null
  sleep ${options.stoppedSeconds}
done
wait $child
`;
  await writeFile(path, script, { mode: 0o755 });
  return { command: [path], remove: () => rm(folder, { recursive: true }) };
}
