import { backoffMs } from '../../core/backoff.ts';
import type { Log } from '../../core/log.ts';
import { type InferenceEnd, type InferenceOptions, InferenceProcess, type Job } from './client.ts';
import { FramesInFlight } from './frames-in-flight.ts';
import type { Ready, Result } from './protocol.ts';

interface ServiceListeners<Frame> {
  /** A process took over, the first or a later one: frames can be submitted. */
  readonly onReady: (ready: Ready) => void;
  readonly onResult: (result: Result, frame: Frame) => void;
  /** Frames in flight that will have no result. */
  readonly onLost: (frames: readonly Frame[], reason: string) => void;
  readonly onChange: () => void;
  /** The process ended that was to go on; another one will be started. `failures` in a row, from 1. */
  readonly onEnd: (end: InferenceEnd, failures: number) => void;
}

type ServiceState = 'stopped' | 'starting' | 'ready' | 'down';

export interface ServiceStatus {
  readonly state: ServiceState;
  /** Why it is down, or was before it started again. */
  readonly fault: InferenceEnd | undefined;
  readonly restarts: number;
  /** When the next process is started, in ms of `performance.now()`; only while down. */
  readonly nextAttemptAt: number | undefined;
  /** How long an answer is owed, ms. */
  readonly owedMs: number;
  readonly pids: readonly number[];
}

const BACKOFF = { firstMs: 500, longestMs: 30_000 };
/** A process that lived so long was no crash loop: the series of waiting times starts anew. */
const LIVED_MS = 60_000;
const STOP_GRACE_MS = 3000;

/**
 * Keeps one inference process running: replaces one that ends, hangs or grows, and swaps models without losing a frame.
 *
 * Invariant: `#current` is the only process that frames go to; a process that is replaced finishes its frame first.
 */
export class InferenceService<Frame> {
  readonly #listeners: ServiceListeners<Frame>;
  readonly #log: Log;
  #options: InferenceOptions | undefined;
  #current: InferenceProcess<Frame> | undefined;
  readonly #leaving = new Set<InferenceProcess<Frame>>();
  readonly #frames = new FramesInFlight<InferenceProcess<Frame>, Frame>();
  #fault: InferenceEnd | undefined;
  #failures = 0;
  #restarts = 0;
  #startedAt = 0;
  #retry: NodeJS.Timeout | undefined;
  #nextAttemptAt: number | undefined;
  #stopped = false;

  constructor(listeners: ServiceListeners<Frame>, log: Log) {
    this.#listeners = listeners;
    this.#log = log;
  }

  get idle(): boolean {
    return this.#current?.idle ?? false;
  }

  get ready(): boolean {
    return this.#current?.ready ?? false;
  }

  get pid(): number | undefined {
    return this.#current?.pid;
  }

  status(): ServiceStatus {
    const processes = [...this.#leaving, ...(this.#current === undefined ? [] : [this.#current])];
    const state = this.#state();
    return {
      state,
      fault: this.#fault,
      restarts: this.#restarts,
      nextAttemptAt: this.#nextAttemptAt,
      owedMs: this.#current?.owedMs() ?? 0,
      pids: processes.map((each) => each.pid).filter((pid) => pid !== undefined),
    };
  }

  #state(): ServiceState {
    if (this.#options === undefined) return 'stopped';
    if (this.#current === undefined) return 'down';
    return this.#current.ready ? 'ready' : this.#fault === undefined ? 'starting' : 'down';
  }

  /** Starts the first process. */
  start(options: InferenceOptions): void {
    if (this.#stopped) return;
    this.#options = options;
    this.#spawnCurrent();
  }

  /**
   * Hands a frame to the current process. Only to be called while `idle`.
   *
   * @param frame what comes back with its result, or with its loss
   */
  submit(job: Job, frame: Frame): void {
    if (this.#current === undefined) throw new Error('no inference process');
    this.#current.submit(job, frame);
  }

  /** To be called about twice a second: replaces processes that hang or grew too large. */
  check(): void {
    this.#current?.check();
    for (const process of this.#leaving) process.check();
  }

  /**
   * Starts a second process beside the current one and lets it take over, between two frames, once it has reproduced its
   * golden samples. When it fails, the current one stays.
   *
   * @returns what the new process said, or why it ended
   */
  async swap(options: InferenceOptions): Promise<{ ready: Ready } | { end: InferenceEnd }> {
    if (this.#stopped) return { end: { code: 'INTERRUPTED', message: 'the service was stopped', expected: true } };
    return await new Promise((resolve) => {
      let tookOver = false;
      const candidate: InferenceProcess<Frame> = this.#spawn(options, {
        onReady: (ready) => {
          if (this.#options === undefined) return; // all are being ended: the candidate too, which resolves this
          tookOver = true;
          const previous = this.#current;
          clearTimeout(this.#retry);
          this.#nextAttemptAt = undefined;
          this.#options = options;
          this.#current = candidate;
          this.#leaving.delete(candidate);
          this.#startedAt = performance.now();
          if (previous !== undefined) this.#leave(previous);
          this.#readied(ready);
          resolve({ ready });
        },
        onEnd: (end) => {
          if (tookOver) this.#ended(candidate, end);
          else {
            this.#leaving.delete(candidate);
            resolve({ end });
          }
        },
      });
      this.#leaving.add(candidate);
    });
  }

  /** Ends all processes, letting the frame in flight finish. None is started any more. */
  async stop(graceMs = STOP_GRACE_MS): Promise<void> {
    clearTimeout(this.#retry);
    this.#stopped = true;
    this.#options = undefined;
    const all = [...this.#leaving, ...(this.#current === undefined ? [] : [this.#current])];
    await Promise.all(all.map((process) => process.stop(graceMs)));
    this.#current = undefined;
  }

  #spawnCurrent(): void {
    const options = this.#options;
    if (options === undefined) return;
    this.#nextAttemptAt = undefined;
    this.#startedAt = performance.now();
    const process: InferenceProcess<Frame> = this.#spawn(options, {
      onReady: (ready) => this.#readied(ready),
      onEnd: (end) => this.#ended(process, end),
    });
    this.#current = process;
  }

  #spawn(
    options: InferenceOptions,
    { onReady, onEnd }: { onReady: (ready: Ready) => void; onEnd: (end: InferenceEnd) => void },
  ): InferenceProcess<Frame> {
    return new InferenceProcess(
      options,
      this.#frames,
      {
        onReady,
        onEnd,
        onResult: this.#listeners.onResult,
        onFailed: (frame, message) => this.#listeners.onLost([frame], message),
      },
      this.#log,
    );
  }

  #readied(ready: Ready): void {
    this.#fault = undefined;
    this.#log.info({ model: ready.model, loadMs: ready.loadMs }, 'model ready');
    this.#listeners.onReady(ready);
    this.#listeners.onChange();
  }

  #leave(process: InferenceProcess<Frame>): void {
    this.#leaving.add(process);
    process
      .stop(STOP_GRACE_MS)
      .catch((error: unknown) => this.#log.error({ err: error }, 'ending an inference process'));
  }

  #ended(process: InferenceProcess<Frame>, end: InferenceEnd): void {
    const lost = this.#frames.lost(process);
    if (lost.length > 0) this.#listeners.onLost(lost, end.message);
    if (this.#leaving.delete(process) || this.#options === undefined) return;
    this.#current = undefined;
    this.#fault = end;
    this.#failures = performance.now() - this.#startedAt > LIVED_MS ? 1 : this.#failures + 1;
    const delay = backoffMs(BACKOFF, this.#failures, Math.random());
    this.#log.error({ code: end.code, reason: end.message, retryMs: delay }, 'inference process ended');
    this.#nextAttemptAt = performance.now() + delay;
    this.#retry = setTimeout(() => {
      this.#restarts++;
      this.#spawnCurrent();
    }, delay);
    this.#listeners.onEnd(end, this.#failures);
    this.#listeners.onChange();
  }
}
