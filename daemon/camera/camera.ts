import { asWaysideError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { descendantsOf } from '../telemetry/descendants.ts';
import { residentBytesOf } from '../telemetry/processes.ts';
import { redactorFor } from './address.ts';
import { CameraFault } from './connect/fault.ts';
import { findRoute, type Route } from './connect/route.ts';
import { DecodeChooser } from './decode/choice.ts';
import { type DecodedFrame, type Decoder, startDecoder } from './decoder.ts';
import { DecoderCommands, needsAddress } from './decoder-command.ts';
import { FrameIntake } from './frame-intake.ts';
import {
  beginLife,
  DEFAULT_CONNECT_MS,
  DEFAULT_MAX_LAG_MS,
  DEFAULT_MEMORY_LIMIT_BYTES,
  deadlineOf,
  firstFrameLimitOf,
  type Life,
  type LifeEvent,
  type Policy,
  type Step,
  silenceAllowed,
  step,
} from './lifecycle.ts';
import { policyOf } from './policy.ts';
import { wallTimeOf } from './timing/wall.ts';
import type { Camera, CameraListeners, CameraOptions, CameraReason, CameraStatus, Frame } from './types.ts';

/** What a camera shares with its neighbours. */
interface CameraDependencies extends CameraListeners {
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
  readonly #chooser: DecodeChooser;
  readonly #policy: Policy;
  readonly #redact: (text: string) => string;
  readonly #stopped: Promise<void>;
  #announceStop = (): void => undefined;
  readonly #frames: FrameIntake;
  #life: Life = beginLife(performance.now()).life;
  /** ms of `performance.now()`. */
  #since = performance.now();
  #preparation: AbortController | undefined;
  #route: Route | undefined;
  #decoder: Decoder | undefined;
  #timer: NodeJS.Timeout | undefined;
  #connection = -1;

  constructor(options: CameraOptions, dependencies: CameraDependencies) {
    this.id = options.id;
    this.#options = options;
    this.#dependencies = dependencies;
    this.#commands = dependencies.commands ?? new DecoderCommands();
    this.#policy = policyOf(options);
    this.#redact = redactorFor(options);
    this.#chooser = new DecodeChooser(options, this.#commands, this.#redact, dependencies.log);
    this.#frames = new FrameIntake(options.maxLagMs ?? DEFAULT_MAX_LAG_MS);
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
    return this.#frames.take(performance.now());
  }

  giveBack(data: Uint8Array): void {
    this.#frames.giveBack(data);
  }

  status(): CameraStatus {
    const now = performance.now();
    const { state } = this.#life;
    const figures = this.#frames.figures(now, state === 'live');
    const reason = this.#life.reason ?? figures.concerns[0];
    return {
      id: this.id,
      state,
      ...(reason === undefined ? {} : { reason }),
      since: wallTimeOf(this.#since),
      ...figures,
      silenceAllowedMs: silenceAllowed(this.#life, this.#policy),
      decoder: this.#chooser.chosen,
      reconnects: Math.max(0, this.#connection),
    };
  }

  renewView(): void {
    this.#frames.quality.view.renew();
  }

  holdImage(forMs: number): void {
    if (forMs > 0) this.#frames.held.hold(performance.now(), forMs);
    else this.#frames.held.release();
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
    if (action === 'kill') {
      this.#preparation?.abort();
      this.#decoder?.kill();
    }
    if (action === 'start') void this.#start(); // reports every failure as an event
    if (life.state !== before.state || life.reason?.message !== before.reason?.message)
      this.#tell(life.state !== before.state);
    if (life.phase.kind === 'stopped' && before.phase.kind !== 'stopped') this.#finish();
    if (life.phase.kind !== before.phase.kind) this.#disarm();
    this.#arm();
  }

  /** One timer at most. Frames do not move it: it finds out when it fires and is set anew, so a frame costs no timer. */
  #arm(): void {
    if (this.#timer !== undefined) return;
    const due = deadlineOf(this.#life, this.#policy);
    if (due === undefined) return;
    const wait = Math.max(0, due - performance.now()) + 1;
    const looking = this.#life.phase.kind === 'live' ? LOOK_EVERY_MS : wait;
    this.#timer = setTimeout(() => this.#onTimer(), Math.min(wait, looking));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #onTimer(): void {
    this.#timer = undefined;
    this.#decoder?.look(); // frames that were left out are life as well
    this.#step({ kind: 'tick', at: performance.now() });
  }

  async #start(): Promise<void> {
    this.#connection++;
    try {
      await this.#commands.ffmpegFor(this.#options); // where there is no decoder, that is the reason, wherever the camera is
      const askedAt = performance.now();
      if (needsAddress(this.#options))
        this.#route = await this.#preparing((signal) => findRoute(this.#options, this.#connectMs, signal));
      const answerMs = REQUESTS * (performance.now() - askedAt);
      if (this.#life.phase.kind !== 'starting') return this.#onEnd(CANCELLED);
      this.#frames.quality.begin();
      const { economy, clock } = this.#frames.quality.timeliness;
      const timeoutMs = Math.max(this.#connectMs, firstFrameLimitOf(this.#life, this.#policy));
      const { address = '', codec } = this.#route ?? {};
      const plan = { address, economy, clock, timeoutMs };
      const onTry = (): void => this.#step({ kind: 'found', at: performance.now(), intervalMs: 0 });
      const command = await this.#preparing((signal) => this.#chooser.command({ plan, codec, signal, onTry }));
      if (this.#life.phase.kind !== 'starting') return this.#onEnd(CANCELLED);
      const intervalMs = Math.max(
        this.#route?.intervalMs ?? 0,
        economy === 'keyframes' ? KEYFRAME_INTERVAL_MS : 0,
        // A decoder that tells nothing of frames it leaves out shows life only when it delivers.
        command.timeReport === null && this.#options.rate > 0 ? 1000 / this.#options.rate : 0,
      );
      this.#step({ kind: 'found', at: performance.now(), intervalMs });
      const listeners = {
        allocate: (bytes: number) => this.#frames.allocate(bytes),
        onReceived: (raw: number | null) => this.#onReceived(raw),
        onKeyframe: () => this.#frames.quality.view.keyframe(),
        onFrame: (frame: DecodedFrame) => this.#onFrame(frame),
        onEnd: (reason: CameraReason) => this.#onEnd(this.#route?.fault() ?? reason),
      };
      if (command.timeReport !== null) this.#frames.quality.timeliness.started(performance.now(), answerMs);
      this.#decoder = startDecoder(command, listeners, this.#redact);
      this.#dependencies.log?.debug({ pid: this.#decoder.pid, economy, clock }, 'decoder started');
    } catch (thrown) {
      if (thrown instanceof CameraFault) {
        const { code, message } = thrown.reason;
        return this.#onEnd({ code, message: this.#redact(message) });
      }
      const { message, hint } = asWaysideError(thrown);
      const words = hint === undefined ? message : `${message} (${hint})`;
      this.#onEnd({ code: 'DECODER_UNAVAILABLE', message: this.#redact(words) });
    }
  }

  /** Does what has to be done before a decoder runs, until the camera is stopped or it takes too long. */
  async #preparing<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const preparing = new AbortController();
    this.#preparation = preparing;
    if (this.#life.phase.kind !== 'starting') preparing.abort();
    try {
      return await work(preparing.signal);
    } finally {
      this.#preparation = undefined;
    }
  }

  get #connectMs(): number {
    return this.#options.connectMs ?? DEFAULT_CONNECT_MS;
  }

  /** The watchdog is fed here: by frames that really came from the camera, also those that the chosen rate leaves out. */
  #onReceived(raw: number | null): void {
    const now = performance.now();
    this.#frames.received(now);
    this.#chooser.delivers();
    this.#step({ kind: 'frame', at: now });
    if (this.#life.phase.kind !== 'live') return;
    this.#frames.quality.timeliness.received(now, raw === null ? undefined : raw * 1000);
    if (this.#frames.quality.isTimeToReview(now)) this.#review(now);
  }

  #onFrame(frame: DecodedFrame): void {
    const now = performance.now();
    // Where it is reported on stderr, the report may be late.
    if (this.#life.phase.kind === 'starting') this.#step({ kind: 'frame', at: now });
    if (this.#life.phase.kind !== 'live') return; // of a decoder that was killed: older than what the camera shows now
    this.#frames.delivered(now, frame, this.#connection);
    this.#dependencies.onFrame?.();
  }

  #review(now: number): void {
    const found = this.#frames.quality.review(now);
    if (found === 'changed') this.#tell(false);
    else if (found !== undefined) this.#step({ kind: 'replace', at: now, reason: found });
  }

  #onEnd(reason: CameraReason): void {
    this.#decoder = undefined;
    this.#route?.close();
    this.#route = undefined;
    this.#step({ kind: 'ended', at: performance.now(), reason, jitter: Math.random() });
    this.#chooser.ended(this.#life.failures);
  }

  #tell(newState: boolean): void {
    if (newState) this.#since = performance.now();
    const { state, reason } = this.status();
    const level = (state === 'live' && reason === undefined) || state === 'stopped' ? 'info' : 'warn';
    this.#dependencies.log?.[level]({ state, reason }, `camera ${state}`);
    setImmediate(() => this.#dependencies.onStatus?.(this.status()));
  }

  #finish(): void {
    this.#dependencies.signal?.removeEventListener('abort', this.#onAbort);
    this.#announceStop();
  }
}

/** A decoder asks for what finding the camera asked, and for the stream. */
const REQUESTS = 2;
/** Where few frames are delivered: what is left out wakes nobody up. */
const LOOK_EVERY_MS = 500;
/** What is expected of a camera that is asked for keyframes only, until it is known. */
const KEYFRAME_INTERVAL_MS = 10_000;

const CANCELLED: CameraReason = { code: 'CAMERA_LOST', message: 'stopped before the decoder was started' };
