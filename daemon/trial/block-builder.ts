import { blockFrames } from '../../deploy/trial/autocorrelation.ts';
import type { Compared, Outcome } from '../inference/pair-listeners.ts';
import type { Answered, BlockMessage, Comparison } from './comparison.ts';

/** Frames from which it is measured how long answers stay; blocks before that are as long as they may be. */
const MEASURED_FRAMES = 300;

interface Tally {
  failed: number;
  latencyMs: number;
  /** Largest and last seen. */
  memoryBytes: number | undefined;
  lastBytes: number | undefined;
  restarts: number;
}
/** A block begins with the memory that the one before ended with: it may be over before it is looked at. */
const nothing = (lastBytes?: number): Tally => ({
  failed: 0,
  latencyMs: 0,
  memoryBytes: lastBytes,
  lastBytes,
  restarts: 0,
});

/**
 * Makes blocks of frames that both models had. Its length is a multiple of the time for which answers stay alike, which the first
 * frames tell: a block has to be worth one independent value.
 *
 * Answers and times are those of frames that both analysed; a frame that one of them failed on counts as failed.
 */
export class BlockBuilder<Frame> {
  readonly #bounds: { readonly least: number; readonly most: number };
  readonly #comparison: Comparison<Frame>;
  #length: number | undefined;
  #measured = 0;
  #frames = 0;
  /** Frames that both analysed. */
  #both = 0;
  #missed = 0;
  #old = nothing();
  #candidate = nothing();
  #lastAt: number;
  #longestGapMs = 0;

  constructor(bounds: { readonly least: number; readonly most: number }, comparison: Comparison<Frame>, now: number) {
    this.#bounds = bounds;
    this.#comparison = comparison;
    this.#lastAt = now;
  }

  /**
   * @param now ms of `performance.now()`
   * @returns the block that this frame completes
   */
  add(
    { frame, running, candidate }: Compared<Frame>,
    phase: BlockMessage['phase'],
    now: number,
  ): BlockMessage | undefined {
    this.#gap(now);
    this.#frames++;
    if (running.result === undefined) this.#old.failed++;
    if (candidate.result === undefined) this.#candidate.failed++;
    if (isAnswered(running) && isAnswered(candidate)) this.#compare(frame, running, candidate);
    this.#measure(frame, running);
    if (this.#frames < (this.#length ?? this.#bounds.most)) return undefined;
    const block = this.#block(phase);
    this.#clear();
    return block;
  }

  missed(): void {
    this.#missed++;
  }

  restarted(which: 'running' | 'candidate'): void {
    (which === 'running' ? this.#old : this.#candidate).restarts++;
  }

  /**
   * To be called about twice a second.
   *
   * @param memory resident bytes of both processes; null where unknown
   * @param live whether a camera is live: without one, nothing is to be analysed
   */
  tick(
    memory: { readonly running: number | null; readonly candidate: number | null },
    live: boolean,
    now: number,
  ): void {
    const largest = (tally: Tally, bytes: number | null): void => {
      if (bytes === null) return;
      tally.memoryBytes = Math.max(tally.memoryBytes ?? 0, bytes);
      tally.lastBytes = bytes;
    };
    largest(this.#old, memory.running);
    largest(this.#candidate, memory.candidate);
    if (!live) this.#lastAt = now;
  }

  /** The roles change: what was begun is no block of either phase, but that a process ended is not forgotten. */
  beginPhase(): void {
    const [old, candidate] = [this.#old.restarts, this.#candidate.restarts];
    this.#clear();
    this.#old.restarts = old;
    this.#candidate.restarts = candidate;
  }

  #gap(now: number): void {
    this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastAt);
    this.#lastAt = now;
  }

  #measure(frame: Frame, running: Outcome): void {
    if (this.#length !== undefined) return;
    if (isAnswered(running)) this.#comparison.measure(frame, running);
    if (++this.#measured < MEASURED_FRAMES) return;
    this.#length = blockFrames(this.#comparison.longestTime(), this.#bounds.least, this.#bounds.most);
  }

  #compare(frame: Frame, running: Answered, candidate: Answered): void {
    this.#both++;
    this.#old.latencyMs += running.result.preprocessMs + running.result.runMs;
    this.#candidate.latencyMs += candidate.result.preprocessMs + candidate.result.runMs;
    this.#comparison.compare(frame, running, candidate);
  }

  #block(phase: BlockMessage['phase']): BlockMessage {
    const model = ({ failed, latencyMs, memoryBytes, restarts }: Tally): BlockMessage['old'] => ({
      failed,
      latencyMs: this.#both === 0 ? null : latencyMs / this.#both,
      memoryMb: memoryBytes === undefined ? null : memoryBytes / 2 ** 20,
      restarts,
    });
    return {
      phase,
      frames: this.#frames,
      old: model(this.#old),
      candidate: model(this.#candidate),
      ...this.#comparison.block(),
      longestGapSeconds: this.#longestGapMs / 1000,
      missed: this.#missed,
    };
  }

  #clear(): void {
    this.#frames = this.#both = this.#missed = this.#longestGapMs = 0;
    this.#comparison.clear();
    this.#old = nothing(this.#old.lastBytes);
    this.#candidate = nothing(this.#candidate.lastBytes);
  }
}

const isAnswered = (outcome: Outcome): outcome is Answered => outcome.result !== undefined;
