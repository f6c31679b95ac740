import { autocorrelationTime, blockFrames } from '../../deploy/trial/autocorrelation.ts';
import type { FromDaemon } from '../../deploy/trial/protocol.ts';
import { labelOf } from '../../inference/scores.ts';
import type { Compared, Outcome } from '../inference/pair.ts';
import type { Ready, Result } from '../inference/protocol.ts';
import { TopClasses } from './top-classes.ts';

export type BlockMessage = Extract<FromDaemon, { type: 'block' }>['block'];

/** Frames from which it is measured how long answers stay; blocks before that are as long as they may be. */
const MEASURED_FRAMES = 300;
/** A region in which no class reaches its threshold. */
const NONE = '(none)';
/** Of a message: what is left out of many classes moved least. */
const MOST_CLASSES = 2000;
const MOST_LABEL = 200;
const MOST_BYTES = 96 * 1024;

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
 * Classes, scores and times are those of frames that both analysed; a frame that one of them failed on counts as failed.
 */
export class BlockBuilder {
  readonly #bounds: { readonly least: number; readonly most: number };
  readonly #topClasses = new TopClasses();
  #length: number | undefined;
  #measured = 0;
  #frames = 0;
  /** Frames that both analysed, and their regions. */
  #both = 0;
  #regions = 0;
  #differing = 0;
  #drift = 0;
  #missed = 0;
  #shift = new Map<string, number>();
  #old = nothing();
  #candidate = nothing();
  #lastAt: number;
  #longestGapMs = 0;

  constructor(bounds: { readonly least: number; readonly most: number }, now: number) {
    this.#bounds = bounds;
    this.#lastAt = now;
  }

  /**
   * @param now ms of `performance.now()`
   * @returns the block that this frame completes
   */
  add(
    { frame, running, candidate }: Compared<{ readonly camera: string }>,
    phase: BlockMessage['phase'],
    now: number,
  ): BlockMessage | undefined {
    this.#gap(now);
    this.#frames++;
    if (running.result === undefined) this.#old.failed++;
    if (candidate.result === undefined) this.#candidate.failed++;
    if (running.result !== undefined && candidate.result !== undefined)
      this.#compare(running.result, running.ready, candidate.result, candidate.ready);
    this.#measure(frame.camera, running);
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

  #measure(camera: string, { ready, result }: Outcome): void {
    if (this.#length !== undefined) return;
    if (result !== undefined) this.#topClasses.add(camera, topLabels(ready, result));
    if (++this.#measured < MEASURED_FRAMES) return;
    const time = this.#topClasses.longestTime(autocorrelationTime);
    this.#length = blockFrames(time, this.#bounds.least, this.#bounds.most);
  }

  #compare(old: Result, oldReady: Ready, candidate: Result, candidateReady: Ready): void {
    this.#both++;
    this.#old.latencyMs += old.preprocessMs + old.runMs;
    this.#candidate.latencyMs += candidate.preprocessMs + candidate.runMs;
    const [before, after] = [topLabels(oldReady, old), topLabels(candidateReady, candidate)];
    for (const [region, label] of before.entries()) {
      const other = after[region] ?? NONE;
      this.#regions++;
      if (label !== other) this.#differing++;
      this.#move(label, -1);
      this.#move(other, 1);
      // What is not sent has the score 0.
      this.#drift += bestScore(candidate, region) - bestScore(old, region);
    }
  }

  #move(label: string, by: number): void {
    this.#shift.set(label, (this.#shift.get(label) ?? 0) + by);
  }

  #block(phase: BlockMessage['phase']): BlockMessage {
    const share = (value: number): number => (this.#regions === 0 ? 0 : value / this.#regions);
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
      classShift: this.#shifts(share),
      disagreement: share(this.#differing),
      scoreDrift: Math.max(-1, Math.min(1, share(this.#drift))),
      longestGapSeconds: this.#longestGapMs / 1000,
      missed: this.#missed,
    };
  }

  #shifts(share: (count: number) => number): Record<string, number> {
    const sorted = [...this.#shift].sort(([, a], [, b]) => Math.abs(b) - Math.abs(a)).slice(0, MOST_CLASSES);
    const kept: [string, number][] = [];
    let bytes = 0;
    for (const [label, count] of sorted) {
      bytes += Buffer.byteLength(JSON.stringify(label)) + 25; // a double in digits, colon and comma
      if (bytes > MOST_BYTES) break;
      kept.push([label, share(count)]);
    }
    return Object.fromEntries(kept);
  }

  #clear(): void {
    this.#frames = this.#both = this.#regions = this.#differing = this.#drift = this.#missed = this.#longestGapMs = 0;
    this.#shift = new Map();
    this.#old = nothing(this.#old.lastBytes);
    this.#candidate = nothing(this.#candidate.lastBytes);
  }
}

const topLabels = ({ labels }: Ready, { regions }: Result): string[] =>
  regions.map(([best]) => (best === undefined ? NONE : labelOf(labels ?? undefined, best.index).slice(0, MOST_LABEL)));

const bestScore = ({ regions }: Result, region: number): number => regions[region]?.[0]?.score ?? 0;
