import type { ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { WaysideError } from '../../core/errors.ts';
import { explainShortage } from '../../core/shortage.ts';
import type { RgbImage } from '../../inference/image.ts';
import { startChild } from '../child.ts';
import { type Ffmpeg, probeFfmpeg } from './ffmpeg.ts';
import { fileFilterGraph } from './filter.ts';
import { parentDeathPrefix } from './parent-death.ts';
import { type PpmFrame, PpmParser } from './ppm.ts';
import type { WorkingSize } from './types.ts';

/** A frame of a video file. */
interface FileFrame {
  readonly image: RgbImage;
  /** Presentation time less that of the first frame, s. */
  readonly time: number;
}

interface VideoFileOptions {
  /** Frames a second, 0 for all. */
  readonly rate: number;
  readonly workingSize: WorkingSize;
  readonly signal: AbortSignal;
  /** Told what the decoder has to say of damage; the frames around it are missing or broken. */
  readonly onRemark?: (text: string) => void;
  /** @default 'ffmpeg' */
  readonly ffmpeg?: string;
}

const SHOWN = /^\[Parsed_showinfo_\d+ @ [^\]]*\] n: *\d+ pts:.*?pts_time: *(\S+)/;
const REMARKED = /error|invalid|corrupt|missing|concealing|truncated|prematurely|non monoton/i;
const DECLARED = /^Duration: (\d+):(\d+):([\d.]+)/;
/** Sound may go on for a moment longer than the image. */
const MISSING_SECONDS = 1;
/** Lines that are kept for the message of a failure. */
const KEPT_LINES = 20;

/**
 * Frames of a video file, decoded by ffmpeg in a child while they are looked at: it waits where they are not taken, none is dropped.
 *
 * @throws {WaysideError} DECODER_UNAVAILABLE; VIDEO_INVALID when no frame can be decoded; AbortError when `signal` aborts
 */
export async function* videoFileFrames(path: string, options: VideoFileOptions): AsyncGenerator<FileFrame> {
  const { rate, signal, onRemark = () => {}, ffmpeg: command = 'ffmpeg' } = options;
  const [ffmpeg, prefix] = await Promise.all([probeFfmpeg(command), parentDeathPrefix()]);
  signal.throwIfAborted();
  const [program = command, ...args] = [...prefix, ffmpeg.command, ...fileArguments(ffmpeg, path, options)];
  const child = startChild(program, args, {
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'pipe'],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', (cause) => {
      reject(
        new WaysideError('DECODER_UNAVAILABLE', {
          message: `cannot start ${program}: ${explainShortage(cause)}`,
          cause,
        }),
      );
    });
    child.on('close', (code) => resolve(code));
  });
  ended.catch(() => undefined); // awaited below, after the frames
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  const times = new FileTimes(child.stderr, onRemark);
  const frames: PpmFrame[] = [];
  const parser = new PpmParser({ allocate: (bytes) => new Uint8Array(bytes), onFrame: (frame) => frames.push(frame) });
  let [first, last] = [undefined as number | undefined, 0];
  try {
    for await (const chunk of child.stdout) {
      parser.push(chunk as Uint8Array, 0);
      for (const { width, height, data } of frames.splice(0)) {
        const raw = await times.next();
        if (Number.isNaN(raw)) throw untimed(path);
        first ??= raw;
        last = raw - first;
        yield { image: { width, height, data }, time: last };
      }
    }
    const code = await ended;
    signal.throwIfAborted();
    if (first === undefined || code !== 0) throw undecodable(path, times.lastWords, first !== undefined);
    const { declared } = times;
    if (declared !== undefined && declared - last > MISSING_SECONDS + 1 / (rate || 1))
      onRemark(`the file says that it lasts ${declared.toFixed(1)} s, and its frames end at ${last.toFixed(1)} s`);
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

function fileArguments({ listsOptions }: Ffmpeg, path: string, { rate, workingSize }: VideoFileOptions): string[] {
  const quiet = ['-nostdin', '-hide_banner', '-nostats', '-loglevel', 'info'];
  // `file:` and the list keep a name with a colon a name, and a playlist from reaching the network.
  const input = ['-protocol_whitelist', 'file', '-i', `file:${path}`];
  const filter = ['-map', '0:v:0', '-an', '-sn', '-dn', '-vf', fileFilterGraph({ rate, size: workingSize })];
  const output = ['-c:v', 'ppm', '-pix_fmt', 'rgb24', '-f', 'image2pipe', 'pipe:1'];
  return [...quiet, ...input, ...filter, listsOptions ? '-fps_mode' : '-vsync', 'passthrough', ...output];
}

function undecodable(path: string, lastWords: string, began: boolean): WaysideError {
  return new WaysideError('VIDEO_INVALID', {
    message: `${path}: ${began ? 'the video breaks off' : 'no frame can be decoded'}${lastWords === '' ? '' : `: ${lastWords}`}`,
    hint: 'check that it plays, and that its format is one that ffmpeg knows',
  });
}

const untimed = (path: string): WaysideError =>
  new WaysideError('VIDEO_INVALID', {
    message: `${path}: its frames carry no times`,
    hint: 'put it into a container: `ffmpeg -r FPS -i FILE -c copy OUT.mp4`',
  });

/** The times that showinfo tells on stderr, each before its frame is written; what else is told there is a remark. */
class FileTimes {
  readonly #onRemark: (text: string) => void;
  #partial = '';
  #times: number[] = [];
  #waiting: ((time: number) => void) | undefined;
  #failed: ((cause: Error) => void) | undefined;
  #over = false;
  #lines: string[] = [];
  /** How long the file says that it is, s. */
  declared: number | undefined;

  constructor(stderr: Readable, onRemark: (text: string) => void) {
    this.#onRemark = onRemark;
    stderr.setEncoding('utf8');
    stderr.on('data', (text: string) => this.#push(text));
    stderr.on('error', () => undefined); // `close` follows
    stderr.on('close', () => {
      this.#over = true;
      this.#failed?.(untold());
    });
  }

  /** Of the next frame, s. */
  next(): Promise<number> {
    const known = this.#times.shift();
    if (known !== undefined) return Promise.resolve(known);
    if (this.#over) return Promise.reject(untold());
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      this.#failed = reject;
    });
  }

  get lastWords(): string {
    return this.#lines.filter((line) => REMARKED.test(line)).at(-1) ?? this.#lines.at(-1) ?? '';
  }

  #push(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = (lines.pop() ?? '').slice(-4096);
    for (const line of lines) {
      const time = SHOWN.exec(line)?.[1];
      if (time !== undefined) this.#give(Number(time));
      else if (!line.includes('Parsed_showinfo')) this.#hear(line.replace(/^(\[[^\]]*\]\s*)+/, '').trim());
    }
  }

  #give(time: number): void {
    if (this.#waiting === undefined) this.#times.push(time);
    else this.#waiting(time);
    this.#waiting = undefined;
    this.#failed = undefined;
  }

  #hear(line: string): void {
    if (line === '') return;
    const [, hours, minutes, seconds] = DECLARED.exec(line) ?? [];
    if (seconds !== undefined) this.declared ??= Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    this.#lines = [...this.#lines, line].slice(-KEPT_LINES);
    if (REMARKED.test(line)) this.#onRemark(line);
  }
}

const untold = (): WaysideError =>
  new WaysideError('VIDEO_INVALID', { message: 'the decoder did not tell when its frames are due', hint: HINT });
const HINT = 'it must be ffmpeg: another program of that name may come first in PATH';
