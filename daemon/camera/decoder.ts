import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { asWaysideError } from '../../core/errors.ts';
import { explainShortage } from '../../core/shortage.ts';
import { hasPipes, startChild } from '../child.ts';
import { ChildOutput } from '../child-output.ts';
import { openPipe, PipeText } from '../pipe.ts';
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

interface DecoderListeners {
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
  /** Reads what it reported of frames that it left out: done with every frame, and to be called now and then where few are delivered. */
  look(): void;
  /** SIGKILL: there is nothing in a decoder worth saving, and a hung one hears nothing else. `onEnd` follows. */
  kill(): void;
}

const KEPT_STDERR = 2000;
/** What a child may need of our environment; our secrets may be in the rest. */
const INHERITED = /^(PATH|HOME|TMPDIR|LD_LIBRARY_PATH|XDG_RUNTIME_DIR|(GST|LIBVA|VDPAU|CUDA|NVIDIA)_.*)$/;

/** Frames are up to 300 KB where they are scaled: room for one that is read late, so that the decoder need not wait in the middle of it. */
const FRAMES_CAPACITY = 512 * 1024;
const FRAMES_BUFFER_BYTES = 128 * 1024;

/** Starts a decoder and reads whatever it writes as fast as it comes: a pipe left full serves frames 20 s old. */
export function startDecoder(
  { program, args, stdin, timeReport }: DecoderCommand,
  { allocate, onReceived, onKeyframe, onFrame, onEnd }: DecoderListeners,
  redact: (text: string) => string,
): Decoder {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => INHERITED.test(name)));
  const frames = new ChildOutput(FRAMES_CAPACITY);
  const lines = timeReport === 'descriptor' ? openPipe('readEnd') : undefined;
  const child = startChild(program, args, {
    env: { ...env, LC_ALL: 'C' },
    stdio: ['pipe', frames.stdio, 'pipe', lines?.writeEnd ?? 'ignore'],
  });
  if (lines !== undefined) closeSync(lines.writeEnd);
  const reports = lines === undefined ? undefined : new PipeText(lines.readEnd);
  let over = false;
  const end = (reason: CameraReason): void => {
    if (over) return;
    over = true;
    reports?.close();
    onEnd(reason);
  };
  let said = '';
  let failure: CameraReason | undefined;
  const fail = (reason: CameraReason): void => {
    failure ??= reason;
    child.kill('SIGKILL');
  };

  const times = timeReport === null ? undefined : new FrameTimes({ onReceived, onKeyframe });
  const readReports = (): void => {
    const text = reports?.read() ?? '';
    if (text !== '') times?.pushDescriptor(text);
    // ffmpeg goes on in the size of the first frame, so another aspect would come out distorted.
    if (times?.restarted) fail({ code: 'CAMERA_LOST', message: 'the camera changed its resolution' });
  };
  const inOrder = new FramesInOrder(times, onFrame);
  const parser = new PpmParser({
    allocate,
    onFrame: (frame) => {
      if (times === undefined) onReceived(null);
      readReports(); // its own was written before it
      if (failure === undefined) inOrder.push(frame);
    },
  });
  const allRead = frames.read(child, 1, FRAMES_BUFFER_BYTES, (bytes) => {
    try {
      if (failure === undefined) parser.push(bytes, performance.now());
    } catch (thrown) {
      fail({ code: 'DECODER_UNAVAILABLE', message: asWaysideError(thrown).message });
    }
  });
  child.on('error', (cause) => {
    if (child.pid === undefined)
      end({ code: 'DECODER_UNAVAILABLE', message: redact(`cannot start ${program}: ${explainShortage(cause)}`) });
  });
  if (!hasPipes(child)) return { pid: undefined, look: () => undefined, kill: () => undefined };
  const { stdin: input, stderr: errors } = child as ChildProcess & { stdin: Writable; stderr: Readable };
  errors.setEncoding('utf8').on('data', (text: string) => {
    const talk = timeReport === 'stderr' ? times!.pushStderr(text) : text;
    said = (said + talk).slice(-KEPT_STDERR);
  });
  for (const stream of [input, errors]) stream.on('error', () => child.kill('SIGKILL')); // its end tells why
  input.end(stdin);

  child.on('close', (code, signal) => {
    void allRead.then(() => end(failure ?? reasonFor(redact(said), code, signal)));
  });
  return {
    pid: child.pid,
    look: () => {
      if (!over) readReports();
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/**
 * Gives each frame its time. The line with it was written before the frame. On descriptor 3 it is read when the frame is complete; on
 * stderr within the next turn of the event loop at the latest, and the frame waits for that long.
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
