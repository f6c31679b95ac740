import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { redactUrls } from '../../core/log.ts';

type FfmpegChild = ChildProcessByStdio<Writable, Readable, Readable>;

/** An ffmpeg that ends with the signal, and what it said last when it ended by itself. */
interface EncoderChild {
  readonly child: FfmpegChild;
  /** Resolves when it ended well or was stopped. @throws {WaysideError} VIDEO_SOURCE_FAILED */
  readonly ended: Promise<void>;
}

const KEPT_STDERR = 2000;

/** Starts ffmpeg with `-nostdin -hide_banner -loglevel error` and the given arguments. */
export function startEncoder(ffmpeg: string, args: readonly string[], signal: AbortSignal): EncoderChild {
  const child = spawn(ffmpeg, ['-nostdin', '-hide_banner', '-loglevel', 'error', ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_STDERR);
  });
  child.stdin.on('error', () => child.kill('SIGKILL')); // the pipe broke: its exit, below, tells why
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  if (signal.aborted) kill();

  const ended = (async () => {
    try {
      const [code] = (await once(child, 'close')) as [number | null];
      if (code !== 0 && !signal.aborted) throw new Error(`it ended with ${code}: ${redactUrls(said.trim())}`);
    } catch (cause) {
      throw new WaysideError('VIDEO_SOURCE_FAILED', {
        message: `${ffmpeg} could not provide the pictures: ${messageOf(cause)}`,
        hint: 'it needs ffmpeg with libx264',
        cause,
      });
    } finally {
      signal.removeEventListener('abort', kill);
    }
  })();
  ended.catch(() => undefined); // whoever awaits it later still sees the failure
  return { child, ended };
}
