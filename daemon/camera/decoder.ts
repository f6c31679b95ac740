import type { Readable, Writable } from 'node:stream';
import { asWaysideError } from '../../core/errors.ts';
import { explainShortage } from '../../core/shortage.ts';
import { hasPipes, startChild } from '../child.ts';
import { type FrameTime, FrameTimes, UNKNOWN_TIME } from './frame-times.ts';
import { reasonFor } from './last-words.ts';
import { type PpmFrame, PpmParser } from './ppm.ts';
import type { CameraReason } from './types.ts';

/** A decoder ready to be started: any program that writes PPM images to its stdout. */
export interface DecoderCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly stdin: string;
  /** Where it tells the times of frames; null: nowhere. */
  readonly timeReport: 'descriptor' | 'stderr' | null;
}

/** An image and its time in the stream. */
export interface DecodedFrame extends PpmFrame {
  readonly time: FrameTime;
}

export interface DecoderListeners {
  readonly allocate: (bytes: number) => Uint8Array;
  /**
   * A frame came from the camera, whether it is delivered or not.
   *
   * @param raw its time as the decoder says it, s; NaN where the stream has none, null where the decoder does not tell
   */
  readonly onReceived: (raw: number | null) => void;
  /** A keyframe was among them; never called by a decoder that does not tell. */
  readonly onKeyframe: () => void;
  readonly onFrame: (frame: DecodedFrame) => void;
  /** Once, last of all, when the child is gone. Every end is a failure: a camera has no last frame. */
  readonly onEnd: (reason: CameraReason) => void;
}

export interface Decoder {
  readonly pid: number | undefined;
  /** SIGKILL: there is nothing in a decoder worth saving, and a hung one hears nothing else. `onEnd` follows. */
  kill(): void;
}

const KEPT_STDERR = 2000;
/** What a child may need of our environment; our secrets may be in the rest. */
const INHERITED = /^(PATH|HOME|TMPDIR|LD_LIBRARY_PATH|XDG_RUNTIME_DIR|(GST|LIBVA|VDPAU|CUDA|NVIDIA)_.*)$/;

/** Starts a decoder and reads whatever it writes as fast as it comes: a pipe left full serves frames 20 s old. */
export function startDecoder(
  { program, args, stdin, timeReport }: DecoderCommand,
  { allocate, onReceived, onKeyframe, onFrame, onEnd }: DecoderListeners,
  redact: (text: string) => string,
): Decoder {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => INHERITED.test(name)));
  const child = startChild(program, args, {
    env: { ...env, LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  });
  let over = false;
  const end = (reason: CameraReason): void => {
    if (over) return;
    over = true;
    onEnd(reason);
  };
  child.on('error', (cause) => {
    if (child.pid === undefined)
      end({ code: 'DECODER_UNAVAILABLE', message: redact(`cannot start ${program}: ${explainShortage(cause)}`) });
  });
  if (!hasPipes(child)) return { pid: undefined, kill: () => undefined };
  // Four pipes were asked for, so all four are there, which the type of spawn cannot say of descriptor 3.
  const [input, pictures, errors, lines] = child.stdio as unknown as [Writable, Readable, Readable, Readable];
  let said = '';
  let failure: CameraReason | undefined;
  const fail = (reason: CameraReason): void => {
    failure ??= reason;
    child.kill('SIGKILL');
  };

  const times = timeReport === null ? undefined : new FrameTimes({ onReceived, onKeyframe });
  const inOrder = new FramesInOrder(times, onFrame);
  const parser = new PpmParser({
    allocate,
    onFrame: (frame) => {
      if (times === undefined) onReceived(null);
      inOrder.push(frame);
    },
  });
  pictures.on('data', (chunk: Buffer) => {
    try {
      if (failure === undefined) parser.push(chunk, performance.now());
    } catch (thrown) {
      fail({ code: 'DECODER_UNAVAILABLE', message: asWaysideError(thrown).message });
    }
  });
  lines.setEncoding('utf8').on('data', (text: string) => {
    if (timeReport !== 'descriptor') return;
    times?.pushDescriptor(text);
    // ffmpeg goes on in the size of the first picture, so another aspect would come out distorted.
    if (times?.restarted) fail({ code: 'CAMERA_LOST', message: 'the camera changed its resolution' });
  });
  errors.setEncoding('utf8').on('data', (text: string) => {
    const talk = timeReport === 'stderr' ? times!.pushStderr(text) : text;
    said = (said + talk).slice(-KEPT_STDERR);
  });
  for (const stream of [input, pictures, errors, lines]) stream.on('error', () => child.kill('SIGKILL')); // its end tells why
  input.end(stdin);

  child.on('close', (code, signal) => end(failure ?? reasonFor(redact(said), code, signal)));
  return { pid: child.pid, kill: () => void child.kill('SIGKILL') };
}

/**
 * Gives each picture its time. The line with it was written before the picture, but on another descriptor: it is read within the
 * next turn of the event loop at the latest, and the picture waits for that long.
 */
class FramesInOrder {
  readonly #times: FrameTimes | undefined;
  readonly #onFrame: (frame: DecodedFrame) => void;
  #waiting: PpmFrame[] = [];

  constructor(times: FrameTimes | undefined, onFrame: (frame: DecodedFrame) => void) {
    this.#times = times;
    this.#onFrame = onFrame;
  }

  push(frame: PpmFrame): void {
    this.#waiting.push(frame);
    if (this.#waiting.length > 1) return; // those before it are being waited for
    if (this.#times === undefined || this.#times.hasNext) this.#deliver();
    else setImmediate(() => setImmediate(() => this.#deliver()));
  }

  #deliver(): void {
    for (const frame of this.#waiting.splice(0))
      this.#onFrame({ ...frame, time: this.#times?.takeNext() ?? UNKNOWN_TIME });
  }
}
