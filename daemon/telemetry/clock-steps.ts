/** How often the clock of the box was set since the start, and by how much last. */
export interface ClockStepsSeen {
  readonly count: number;
  /** ms, positive forwards; null: none seen. */
  readonly lastMs: number | null;
}

interface ClockPair {
  /** ms since the epoch: what is set. */
  readonly wall: () => number;
  /** ms of a clock that nobody sets. */
  readonly monotonic: () => number;
}

/** NTP slews by 0.5 ms a second at most, so between two looks half a second apart this is no slewing. */
const STEP_MS = 100;
/** Between the readings of the two clocks the process may have been kept waiting: such a pair says nothing. */
const PAIR_MS = 5;

/**
 * Sees when the clock is set: by NTP after a start in 1970, by a person, or because the machine slept. Nothing in the daemon
 * waits by that clock; but times in messages jump, and whoever reads them has to know.
 */
export class ClockSteps {
  readonly #clocks: ClockPair;
  #offset: number | undefined;
  #count = 0;
  #lastMs: number | null = null;

  constructor(clocks: ClockPair = { wall: Date.now, monotonic: () => performance.now() }) {
    this.#clocks = clocks;
    this.look();
  }

  get seen(): ClockStepsSeen {
    return { count: this.#count, lastMs: this.#lastMs };
  }

  /** To be called about twice a second. @returns by how much the clock was set since the last call, ms; undefined when it was not */
  look(): number | undefined {
    const before = this.#clocks.monotonic();
    const wall = this.#clocks.wall();
    if (this.#clocks.monotonic() - before > PAIR_MS) return undefined;
    const offset = wall - before;
    const step = offset - (this.#offset ?? offset);
    this.#offset = offset;
    if (Math.abs(step) < STEP_MS) return undefined;
    this.#count++;
    this.#lastMs = Math.round(step);
    return this.#lastMs;
  }
}
