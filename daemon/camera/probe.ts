import type { ChildProcess } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { WaysideError } from '../../core/errors.ts';
import { explainShortage } from '../../core/shortage.ts';
import { hasPipes, startChild } from '../child.ts';
import { lineSplitter } from '../lines.ts';
import { redactorFor } from './address.ts';
import { CameraFault } from './connect/fault.ts';
import { findRoute, type Route } from './connect/route.ts';
import { DecoderCommands } from './decoder-command.ts';
import { type Ffmpeg, watchingInvocation } from './ffmpeg.ts';
import { reasonFor } from './last-words.ts';
import { parentDeathPrefix } from './parent-death.ts';
import type { CameraOptions, CameraReason } from './types.ts';

export type ProbedCamera = Pick<CameraOptions, 'url' | 'username' | 'password' | 'transport' | 'trust' | 'decoder'>;

/** What a camera is, seen by decoding its stream for a few seconds. */
export interface CameraFacts {
  /** As ffmpeg calls it: `h264`, `hevc`, `mjpeg`. */
  readonly codec: string;
  /** `High`; null where the stream does not tell. */
  readonly profile: string | null;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** By the timestamps of the frames seen; null where they are of no use. */
  readonly framesPerSecond: number | null;
  /** Between the last two keyframes, s; null where fewer were seen. */
  readonly keyframeSeconds: number | null;
  readonly frames: number;
  /** For the camera to be found and to describe itself, ms. */
  readonly describeMs: number;
  /** From the start to the first frame decoded, ms. */
  readonly firstFrameMs: number;
  /** The version of ffmpeg that decoded it. */
  readonly decoder: string;
}

interface ProbeOptions {
  /** Until the first frame. @default 15000 */
  readonly timeoutMs?: number;
  /** After it. @default 3000 */
  readonly watchMs?: number;
  readonly signal?: AbortSignal;
}

/** A line of showinfo is 300 characters long. */
const KEPT_TEXT = 4000;

/**
 * Asks a camera for its stream and decodes it for a few seconds, as the daemon would.
 *
 * @throws {WaysideError} CAMERA_REFUSED, CAMERA_LOST, CAMERA_NOT_RTSP, CAMERA_NO_VIDEO, CAMERA_TRANSPORT, CAMERA_REDIRECT,
 * CAMERA_TLS, DECODER_UNAVAILABLE; AbortError
 */
export async function probeCamera(
  camera: ProbedCamera,
  { timeoutMs = 15_000, watchMs = 3000, signal }: ProbeOptions = {},
): Promise<CameraFacts> {
  const started = performance.now();
  const over = signal ?? new AbortController().signal;
  over.throwIfAborted();
  const options: CameraOptions = { ...camera, id: 'probe', rate: 0, workingSize: 'native' };
  const commands = new DecoderCommands();
  const ffmpeg = (await commands.ffmpegFor(options)) ?? (await commands.ffmpegFor({}));
  if (ffmpeg === undefined) throw new WaysideError('INTERNAL', { message: 'no ffmpeg, and no word why' });
  let route: Route;
  try {
    route = await findRoute(options, timeoutMs, over);
  } catch (thrown) {
    over.throwIfAborted();
    if (thrown instanceof CameraFault) throw refused(thrown.reason);
    throw thrown;
  }
  const describeMs = performance.now() - started;
  try {
    const seen = await watch(ffmpeg, options, route, { timeoutMs, watchMs, signal: over });
    over.throwIfAborted();
    if (seen instanceof Sight) return { ...seen.facts(started), describeMs, decoder: ffmpeg.version };
    throw refused(route.fault() ?? seen);
  } finally {
    route.close();
  }
}

const refused = ({ code, message }: CameraReason): WaysideError => new WaysideError(code, { message });

/** @returns what was seen, or why nothing was */
async function watch(
  ffmpeg: Ffmpeg,
  camera: CameraOptions,
  { address }: Route,
  { timeoutMs, watchMs, signal }: Required<ProbeOptions>,
): Promise<Sight | CameraReason> {
  const plan = { address, economy: 'full', clock: 'camera', timeoutMs } as const;
  const { args, stdin } = watchingInvocation(ffmpeg, camera, plan);
  const [program = ffmpeg.command, ...argv] = [...(await parentDeathPrefix()), ffmpeg.command, ...args];
  signal.throwIfAborted();
  const child = startChild(program, argv, {
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const redact = redactorFor(camera);
  const sight = new Sight();
  let said = '';
  const kill = (): void => void child.kill('SIGKILL');
  let timer = setTimeout(kill, timeoutMs);
  signal.addEventListener('abort', kill, { once: true });
  const hear = lineSplitter((line) => {
    if (!sight.hear(line)) said = `${said}${line}\n`.slice(-KEPT_TEXT);
    else if (sight.frames === 1) {
      clearTimeout(timer);
      timer = setTimeout(kill, watchMs);
    }
  });
  try {
    return await new Promise((resolve) => {
      child.on('error', (cause) =>
        resolve({
          code: 'DECODER_UNAVAILABLE',
          message: redact(`cannot start ${program}: ${explainShortage(cause)}`),
        }),
      );
      if (!hasPipes(child)) return;
      const { stdin: input, stderr } = child as ChildProcess & { stdin: Writable; stderr: Readable };
      stderr.on('data', hear);
      for (const stream of [input, stderr]) stream.on('error', kill); // its end tells why
      input.end(stdin);
      child.on('close', (code, by) => {
        if (sight.frames > 0) resolve(sight);
        else if (by === 'SIGKILL') resolve({ code: 'CAMERA_LOST', message: `no frame within ${timeoutMs / 1000} s` });
        else resolve(reasonFor(redact(said), code, by));
      });
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', kill);
  }
}

const FRAME = /^\[Parsed_showinfo_\d+ @ [^\]]*\] n: *\d+ .*?pts_time: *(\S+).* s:(\d+)x(\d+) .*iskey:([01])/;
/** The first line of its kind is that of the input. */
const STREAM = /Stream #0:\d+.*?: Video: (\w+)(?: \(([A-Za-z0-9 :.,_-]{1,40})\))?/;

/** What the lines of ffmpeg tell of a stream. */
class Sight {
  frames = 0;
  #codec: { readonly name: string; readonly profile: string | null } | undefined;
  #size: readonly [width: number, height: number] = [0, 0];
  #firstAt = 0;
  #times: number[] = [];
  #keys: number[] = [];

  /** @returns whether the line is that of a frame */
  hear(line: string): boolean {
    const [, time, width, height, key] = FRAME.exec(line) ?? [];
    if (time === undefined) {
      const [, name, profile] = STREAM.exec(line) ?? [];
      if (name !== undefined) this.#codec ??= { name, profile: profile ?? null };
      return line.includes('Parsed_showinfo');
    }
    if (this.frames++ === 0) this.#firstAt = performance.now();
    this.#size = [Number(width), Number(height)];
    this.#times.push(Number(time));
    if (key === '1') this.#keys.push(Number(time));
    return true;
  }

  facts(started: number): Omit<CameraFacts, 'describeMs' | 'decoder'> {
    const [width, height] = this.#size;
    const spanned = (this.#times.at(-1) ?? Number.NaN) - (this.#times[0] ?? Number.NaN);
    const rate = (this.frames - 1) / spanned;
    const [before = Number.NaN, last = Number.NaN] = this.#keys.slice(-2);
    return {
      codec: this.#codec?.name ?? 'unknown',
      profile: this.#codec?.profile ?? null,
      width,
      height,
      framesPerSecond: spanned >= 0.5 && rate < 1000 ? Math.round(rate * 100) / 100 : null,
      keyframeSeconds: last > before ? Math.round((last - before) * 1000) / 1000 : null,
      frames: this.frames,
      firstFrameMs: this.#firstAt - started,
    };
  }
}
