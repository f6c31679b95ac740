/** The model that shadows works a tenth of the time at most while the one that answers has no pause: they may share a processor. */
const REST = 9;

/**
 * Which frame the model that shadows gets, and when: the latest, once it is idle and has rested. What it is too slow for is let go.
 *
 * Times in ms of `performance.now()`.
 */
export class ShadowTurn<Frame> {
  #waiting: Frame | undefined;
  #since = 0;
  #restUntil = Number.NEGATIVE_INFINITY;

  get waiting(): Frame | undefined {
    return this.#waiting;
  }

  /** @returns the frame that gives way to this one */
  offer(frame: Frame): Frame | undefined {
    const missed = this.#waiting;
    this.#waiting = frame;
    return missed;
  }

  /**
   * The frame for a model that is idle.
   *
   * @param busy the model that answers is at work
   */
  take(now: number, busy: boolean): Frame | undefined {
    if (busy && now < this.#restUntil) return undefined;
    const frame = this.#waiting;
    if (frame !== undefined) this.#since = now;
    this.#waiting = undefined;
    return frame;
  }

  /** It is done with the frame that it took. */
  done(now: number): void {
    this.#restUntil = now + REST * (now - this.#since);
  }

  /** @returns the frame that waited */
  clear(): Frame | undefined {
    const frame = this.#waiting;
    this.#waiting = undefined;
    return frame;
  }
}
