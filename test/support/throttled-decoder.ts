import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Seconds of CPU that decoding so many seconds of a stream takes here. */
async function cpuOfDecoding(url: string, seconds: number): Promise<number> {
  const script = `TIMEFORMAT='%U %S'; time ffmpeg -nostdin -loglevel quiet -threads 1 -rtsp_transport tcp -i "$0" -t ${seconds} -f null -`;
  const { stderr } = await promisify(execFile)('bash', ['-c', script, url], { env: { ...process.env, LC_ALL: 'C' } });
  const [user = Number.NaN, system = Number.NaN] = (stderr.trim().split('\n').at(-1) ?? '').split(' ').map(Number);
  return user + system;
}

/** The share of one processor that decoding a live stream takes on this machine, its start left out of account. */
export async function shareToDecode(url: string): Promise<number> {
  const [short, long] = [await cpuOfDecoding(url, 2), await cpuOfDecoding(url, 6)];
  return (long - short) / 4;
}

/** Seconds in which it starts unhindered: a board that has trouble with the stream has none with loading a program. */
const STARTING = 1;
/** Seconds from one stop to the next. */
const PERIOD = 0.4;
/** What starting `sleep` and two `kill`s takes, in which the decoder works too. */
const SCRIPT = 0.004;

/**
 * An ffmpeg that is stopped and continued in turn, so that it works for a small part of the time: as on a board that is too hot, or too
 * small for the stream.
 */
export async function throttledDecoder(
  /** Of one processor, that it may work. */
  share: number,
): Promise<{ readonly command: readonly [string]; remove(): Promise<void> }> {
  const workingSeconds = Math.max(0, share * PERIOD - SCRIPT).toFixed(4);
  const folder = await mkdtemp(join(tmpdir(), 'wayside-throttle-'));
  const path = join(folder, 'ffmpeg');
  const script = `#!/bin/bash
case "$*" in *-version*|*-h\\ *) exec ffmpeg "$@";; esac
setpriv --pdeathsig KILL ffmpeg "$@" <&0 &
child=$!
sleep ${STARTING}
while kill -CONT $child 2>/dev/null; do
  sleep ${workingSeconds}
  kill -STOP $child 2>/dev/null
  sleep ${(PERIOD * (1 - share)).toFixed(4)}
done
wait $child
`;
  await writeFile(path, script, { mode: 0o755 });
  return { command: [path], remove: () => rm(folder, { recursive: true }) };
}
