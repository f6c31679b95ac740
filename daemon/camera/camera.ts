import { asWaysideError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { descendantsOf } from '../telemetry/descendants.ts';
import { residentBytesOf } from '../telemetry/processes.ts';
import { redactorFor } from './address.ts';
import { type DecodedFrame, type Decoder, startDecoder } from './decoder.ts';
import { DecoderCommands } from './decoder-command.ts';
import {
  beginLife,
  DEFAULT_BACKOFF,
  DEFAULT_FIRST_FRAME_MS,
  DEFAULT_MEMORY_LIMIT_BYTES,
  DEFAULT_STALL_MS,
  deadlineOf,
  type Life,
  type LifeEvent,
  type Policy,
  type Step,
  step,
} from './lifecycle.ts';
import { RateMeter } from './rate-meter.ts';
import { FrameSlot } from './slot.ts';
import type { Camera, CameraListeners, CameraOptions, CameraReason, CameraStatus, Frame } from './types.ts';

/** What a camera shares with its neighbours. */
export interface CameraDependencies extends CameraListeners {
  /** Shared between cameras so that each program is probed once. */
  readonly commands?: DecoderCommands;
  /** Names the camera already, as a child log does. */
  readonly log?: Log;
  /** Stops the camera. */
  readonly signal?: AbortSignal;
}

/** Keeps one camera decoded for as long as it is wanted: starts decoders, watches them, replaces them. Never throws for a camera's fault. */
export function startCamera(options: CameraOptions, dependencies: CameraDependencies = {}): Camera {
  const camera = new RunningCamera(options, dependencies);
  camera.begin();
  return camera;
}

/** At most one decoder runs; `#life` says which phase it is in and changes only in `#apply`. */
class RunningCamera implements Camera {
  readonly id: string;
  readonly #options: CameraOptions;
  readonly #dependencies: CameraDependencies;
  readonly #commands: DecoderCommands;
  readonly #policy: Policy;
  readonly #redact: (text: string) => string;
  readonly #slot = new FrameSlot();
  readonly #in = new RateMeter(performance.now());
  readonly #analysed = new RateMeter(performance.now());
  readonly #stopped: Promise<void>;
  #announceStop = (): void => undefined;
  #life: Life = beginLife(performance.now()).life;
  #since = Date.now();
  #decoder: Decoder | undefined;
  #timer: NodeJS.Timeout | undefined;
  #received = 0;
  #connection = -1;
  #lastFrameAt: number | undefined;

  constructor(options: CameraOptions, dependencies: CameraDependencies) {
    this.id = options.id;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#commands = dependencies.commands ?? new DecoderCommands();
    this.#policy = policyOf(options);
    this.#redact = redactorFor(options);
    this.#stopped = new Promise((resolve) => {
      this.#announceStop = resolve;
    });
  }

  begin(): void {
    const { signal } = this.#dependencies;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    if (signal?.aborted) setImmediate(this.#onAbort);
    this.#apply(beginLife(performance.now()));
  }

  takeFrame(): Frame | undefined {
    const frame = this.#slot.take();
    if (frame !== undefined) this.#analysed.count(performance.now());
    return frame;
  }

  giveBack(data: Uint8Array): void {
    this.#slot.giveBack(data);
  }

  status(): CameraStatus {
    const now = performance.now();
    const { state, reason } = this.#life;
    return {
      id: this.id,
      state,
      ...(reason === undefined ? {} : { reason }),
      since: this.#since,
      fpsIn: this.#in.perSecond(now),
      fpsAnalysed: this.#analysed.perSecond(now),
      received: this.#received,
      analysed: this.#slot.taken,
      dropped: this.#slot.dropped,
      lastFrameAgeMs: this.#lastFrameAt === undefined ? null : now - this.#lastFrameAt,
      reconnects: Math.max(0, this.#connection),
    };
  }

  check(): void {
    const pid = this.#decoder?.pid;
    if (pid === undefined) return;
    const limit = this.#options.memoryLimitBytes ?? DEFAULT_MEMORY_LIMIT_BYTES;
    const bytes = residentBytesOf([pid, ...descendantsOf(pid)]) ?? 0;
    if (bytes <= limit) return;
    const [mb, allowed] = [bytes, limit].map((value) => Math.round(value / 2 ** 20));
    this.#step({
      kind: 'grown',
      at: performance.now(),
      message: `the decoder grew to ${mb} MB of memory, ${allowed} MB allowed`,
    });
  }

  stop(): Promise<void> {
    this.#step({ kind: 'stop', at: performance.now() });
    return this.#stopped;
  }

  readonly #onAbort = (): void => this.#step({ kind: 'stop', at: performance.now() });

  #step(event: LifeEvent): void {
    this.#apply(step(this.#life, event, this.#policy));
  }

  #apply({ life, action }: Step): void {
    const before = this.#life;
    this.#life = life;
    if (action === 'kill') this.#decoder?.kill();
    if (action === 'start') void this.#start(); // reports every failure as an event
    if (life.state !== before.state || life.reason?.message !== before.reason?.message)
      this.#tell(life.state !== before.state);
    if (life.phase.kind === 'stopped' && before.phase.kind !== 'stopped') this.#finish();
    if (life.phase.kind !== before.phase.kind) this.#disarm();
    this.#arm();
  }

  /** One timer at most. Frames do not move it: it finds out when it fires and is set anew, so a frame costs no timer. */
  #arm(): void {
    const due = deadlineOf(this.#life, this.#policy);
    if (due === undefined) return;
    this.#timer ??= setTimeout(() => this.#onTimer(), Math.max(0, due - performance.now()) + 1);
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#step({ kind: 'tick', at: performance.now() });
  }

  async #start(): Promise<void> {
    this.#connection++;
    try {
      const command = await this.#commands.commandFor(this.#options);
      if (this.#life.phase.kind !== 'starting') return this.#onEnd(CANCELLED);
      const listeners = {
        allocate: (bytes: number) => this.#slot.allocate(bytes),
        onReceived: () => this.#onReceived(),
        onFrame: (frame: DecodedFrame) => this.#onFrame(frame),
        onEnd: (reason: CameraReason) => this.#onEnd(reason),
      };
      this.#decoder = startDecoder(command, listeners, this.#redact);
      this.#dependencies.log?.debug({ pid: this.#decoder.pid }, 'decoder started');
    } catch (thrown) {
      const { message, hint } = asWaysideError(thrown);
      const words = hint === undefined ? message : `${message} (${hint})`;
      this.#onEnd({ code: 'DECODER_UNAVAILABLE', message: this.#redact(words) });
    }
  }

  /** The watchdog is fed here: by frames that really came from the camera, also those that the chosen rate leaves out. */
  #onReceived(): void {
    const now = performance.now();
    this.#received++;
    this.#in.count(now);
    this.#lastFrameAt = now;
    this.#step({ kind: 'frame', at: now });
  }

  #onFrame({ width, height, data, firstByteAt, ptsSeconds }: DecodedFrame): void {
    this.#step({ kind: 'frame', at: performance.now() });
    if (this.#life.phase.kind !== 'live') return; // of a decoder that was killed: older than what the camera shows now
    const capturedAtWall = Date.now() - (performance.now() - firstByteAt);
    const { delivered: sequence } = this.#slot;
    const connection = this.#connection;
    this.#slot.put({ width, height, data, sequence, connection, capturedAt: firstByteAt, capturedAtWall, ptsSeconds });
    this.#dependencies.onFrame?.();
  }

  #onEnd(reason: CameraReason): void {
    this.#decoder = undefined;
    this.#step({ kind: 'ended', at: performance.now(), reason, jitter: Math.random() });
  }

  #tell(newState: boolean): void {
    if (newState) this.#since = Date.now();
    const { state, reason } = this.#life;
    const level = state === 'live' || state === 'stopped' ? 'info' : 'warn';
    this.#dependencies.log?.[level]({ state, reason }, `camera ${state}`);
    setImmediate(() => this.#dependencies.onStatus?.(this.status()));
  }

  #finish(): void {
    this.#dependencies.signal?.removeEventListener('abort', this.#onAbort);
    this.#announceStop();
  }
}

const CANCELLED: CameraReason = { code: 'CAMERA_LOST', message: 'stopped before the decoder was started' };

/** A decoder that tells nothing about frames it leaves out shows life only `rate` times a second. */
function policyOf(options: CameraOptions): Policy {
  const { rate, stallMs = DEFAULT_STALL_MS, firstFrameMs = DEFAULT_FIRST_FRAME_MS, backoff, decoder } = options;
  const silentBetween = (decoder?.command.length ?? 0) > 1 && rate > 0 ? 3000 / rate : 0;
  return { stallMs: Math.max(stallMs, silentBetween), firstFrameMs, backoff: { ...DEFAULT_BACKOFF, ...backoff } };
}
