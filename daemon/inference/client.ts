import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { messageOf } from '../../core/errors.ts';
import { compiledModule } from '../../core/layout.ts';
import type { Log } from '../../core/log.ts';
import { explainShortage } from '../../core/shortage.ts';
import type { Box } from '../../inference/image.ts';
import type { Polygon } from '../../inference/polygon.ts';
import type { ExecutionProvider } from '../../inference/session.ts';
import { hasPipes, startChild } from '../child.ts';
import { ChildInput } from '../child-input.ts';
import { ChildOutput } from '../child-output.ts';
import { SMALL_HEAP } from '../heap.ts';
import { lineSplitter } from '../lines.ts';
import { residentBytes } from '../telemetry/processes.ts';
import type { FramesInFlight } from './frames-in-flight.ts';
import { encodeHeader, parseUpward, type Ready, type Result, type Upward } from './protocol.ts';

export interface InferenceOptions {
  /** Folder of the model package. */
  readonly package: string;
  readonly threads: number | 'auto';
  readonly provider: ExecutionProvider;
  /** Folder with another ONNX Runtime than the one that came with the software. */
  readonly runtimeLibrary?: string;
  /** No answer to a frame for so long is a hang. Loading and the golden samples get ten times as long. */
  readonly hangMs: number;
  readonly memoryLimitBytes: number;
}

/** Why a process ended: `code` is one of `core/error-codes.ts`. */
export interface InferenceEnd {
  readonly code: string;
  readonly message: string;
  /** True when it was told to end. */
  readonly expected: boolean;
}

interface InferenceListeners<Frame> {
  readonly onReady: (ready: Ready) => void;
  readonly onResult: (result: Result, frame: Frame) => void;
  /** One frame could not be analysed; the process goes on. */
  readonly onFailed: (frame: Frame, message: string) => void;
  /** Called once; no other call follows. */
  readonly onEnd: (end: InferenceEnd) => void;
}

export interface Job {
  readonly width: number;
  readonly height: number;
  /** `[height, width, 3]`, RGB; must not change until the result is there. */
  readonly data: Uint8Array;
  readonly boxes: readonly Box[];
  /** Of the boxes, by their order. */
  readonly polygons?: readonly (Polygon | undefined)[];
  readonly topK: number;
  readonly threshold: number;
}

/** Of descriptors: see protocol.ts. */
const RESULTS = 3;
/** Frames are up to 300 KB where they are scaled: one fits, and is handed over at once. */
const FRAMES_CAPACITY = 512 * 1024;
/** A result is a few hundred bytes. */
const RESULTS_BUFFER_BYTES = 16_384;

/** The environment of a process that has no business with secrets: those may be in the daemon's own. */
const PASSED_ON = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'WAYSIDE_DEBUG', 'LD_LIBRARY_PATH'] as const;

/** The binding names its library by RUNPATH, before which the loader looks into LD_LIBRARY_PATH (ld.so(8)). */
function environmentOfChild(runtimeLibrary: string | undefined): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ORT_DISABLE_TELEMETRY: '1' };
  for (const name of PASSED_ON) if (process.env[name] !== undefined) environment[name] = process.env[name];
  if (runtimeLibrary !== undefined)
    environment['LD_LIBRARY_PATH'] = [runtimeLibrary, environment['LD_LIBRARY_PATH'] ?? ''].filter(Boolean).join(':');
  return environment;
}

/**
 * One inference process, from its start to its end: it is never restarted, only replaced.
 *
 * At most one frame is in flight: a second one queued at the process would be older by a whole run when its turn came.
 */
export class InferenceProcess<Frame> {
  readonly #child: ChildProcess;
  readonly #input: ChildInput;
  readonly #listeners: InferenceListeners<Frame>;
  readonly #frames: FramesInFlight<InferenceProcess<Frame>, Frame>;
  readonly #options: InferenceOptions;
  readonly #exited: Promise<void>;
  #ready = false;
  #stopping = false;
  readonly #startedAt = performance.now();
  #fault: { code: string; message: string } | undefined;

  /** @param frames the account of all processes: what this one is handed stands there under it */
  constructor(
    options: InferenceOptions,
    frames: FramesInFlight<InferenceProcess<Frame>, Frame>,
    listeners: InferenceListeners<Frame>,
    log: Log,
  ) {
    this.#options = options;
    this.#frames = frames;
    this.#listeners = listeners;
    this.#input = new ChildInput(FRAMES_CAPACITY);
    const results = new ChildOutput();
    this.#child = startChild(
      process.execPath,
      [
        SMALL_HEAP,
        compiledModule('daemon/inference/process'),
        options.package,
        String(options.threads),
        options.provider,
      ],
      { stdio: [this.#input.stdio, 'ignore', 'pipe', results.stdio], env: environmentOfChild(options.runtimeLibrary) },
    );
    const allRead = results.read(
      this.#child,
      RESULTS,
      RESULTS_BUFFER_BYTES,
      lineSplitter((line) => this.#receive(line)),
    );
    this.#input.open(this.#child, 0, (error) =>
      log.debug({ err: error.message }, 'the inference process closed its input'),
    );
    if (hasPipes(this.#child)) {
      const [, , stderr] = this.#child.stdio as unknown as [unknown, null, Readable];
      createInterface({ input: stderr }).on('line', (line) => log.warn({ line }, 'inference process'));
    }
    this.#exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        // The last words (`fatal`) are read first.
        void allRead.then(() => {
          this.#end(code, signal);
          resolve();
        });
      });
      this.#child.once('error', (error) => {
        this.#fault ??= { code: 'INFERENCE_LOST', message: `cannot start: ${explainShortage(error)}` };
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get ready(): boolean {
    return this.#ready && !this.#stopping;
  }

  /** Ready, with no frame in flight. */
  get idle(): boolean {
    return this.ready && this.#frames.owedSince(this) === undefined;
  }

  /** How long the process has owed an answer, ms; 0 when it owes none. */
  owedMs(now = performance.now()): number {
    const since = this.#ready ? this.#frames.owedSince(this) : this.#startedAt;
    return since === undefined ? 0 : now - since;
  }

  /**
   * Hands over a frame. Only to be called while `idle`.
   *
   * @param frame what comes back with its answer
   */
  submit(job: Job, frame: Frame): void {
    if (!this.idle) throw new Error('the inference process is not idle');
    const id = this.#frames.submitted(this, frame, performance.now());
    this.#input.write([encodeHeader({ id, ...job }), job.data]);
  }

  /** Replaces nothing by itself: kills the process when it hangs or has grown too large; `onEnd` follows. */
  check(now = performance.now()): void {
    const owed = this.owedMs(now);
    if (owed > this.#options.hangMs * (this.#ready ? 1 : 10)) {
      this.kill('INFERENCE_LOST', `no answer for ${Math.round(owed)} ms`);
      return;
    }
    this.#killIfGrown();
  }

  /** @returns whether it was too large */
  #killIfGrown(): boolean {
    const bytes = this.pid === undefined ? null : residentBytes(this.pid);
    if (bytes === null || bytes <= this.#options.memoryLimitBytes) return false;
    const [mb, limit] = [bytes, this.#options.memoryLimitBytes].map((value) => Math.round(value / 2 ** 20));
    this.kill('INFERENCE_LOST', `grew to ${mb} MB of memory, ${limit} MB allowed`);
    return true;
  }

  kill(code: string, message: string): void {
    this.#fault ??= { code, message };
    this.#child.kill('SIGKILL');
  }

  /** Lets it finish the frame in flight and end; kills it after `graceMs`. Resolves when it is gone. */
  async stop(graceMs = 3000): Promise<void> {
    this.#stopping = true;
    this.#input.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.#exited;
    clearTimeout(timer);
  }

  #receive(line: string): void {
    let message: Upward;
    try {
      message = parseUpward(line);
    } catch (cause) {
      this.kill('INFERENCE_LOST', `said something that is not in the protocol: ${messageOf(cause)}`);
      return;
    }
    switch (message.type) {
      case 'ready':
        // It would take over from one that works, only to be killed at the next check.
        if (this.#killIfGrown()) return;
        this.#ready = true;
        this.#listeners.onReady(message);
        break;
      case 'result':
        this.#answered(message.id, (frame) => this.#listeners.onResult(message, frame));
        break;
      case 'failed':
        this.#answered(message.id, (frame) => this.#listeners.onFailed(frame, message.message));
        break;
      case 'fatal':
        this.#fault ??= { code: message.code, message: message.message };
        break;
    }
  }

  #answered(id: number, use: (frame: Frame) => void): void {
    const frame = this.#frames.answered(this, id);
    if (frame === undefined) this.kill('INFERENCE_LOST', `answered frame ${id}, which it does not have`);
    else use(frame);
  }

  #end(code: number | null, signal: NodeJS.Signals | null): void {
    this.#ready = false;
    this.#input.end(); // one that ended by itself was not stopped, and its pipe is still open here
    const how = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`;
    const fault = this.#fault ?? { code: 'INFERENCE_LOST', message: how };
    this.#listeners.onEnd({ ...fault, expected: this.#stopping && this.#fault === undefined });
  }
}
