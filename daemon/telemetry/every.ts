/**
 * Does something again and again, evenly, by the monotonic clock. A change of the interval counts from the last time, and setting the
 * same interval again changes nothing. What is still under way when the next turn comes is not started twice.
 */
export class Every {
  readonly #act: () => Promise<void>;
  readonly #onSkipped: () => void;
  #intervalMs = 0;
  #dueAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;

  /**
   * @param act must not reject
   * @param onSkipped the last turn had not ended when the next came
   */
  constructor(act: () => Promise<void>, onSkipped: () => void = () => undefined) {
    this.#act = act;
    this.#onSkipped = onSkipped;
  }

  set(intervalMs: number): void {
    if (this.#timer !== undefined && intervalMs === this.#intervalMs) return;
    const last = this.#timer === undefined ? performance.now() : this.#dueAt - this.#intervalMs;
    this.#intervalMs = intervalMs;
    this.#dueAt = Math.max(performance.now(), last + intervalMs);
    this.#arm();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#turn(), this.#dueAt - performance.now());
  }

  #turn(): void {
    // Turns that were missed, by a suspended or stopped process, are not made up for.
    const missed = Math.floor((performance.now() - this.#dueAt) / this.#intervalMs);
    this.#dueAt += this.#intervalMs * (1 + Math.max(0, missed));
    this.#arm();
    if (this.#busy) {
      this.#onSkipped();
      return;
    }
    this.#busy = true;
    void this.#act().finally(() => {
      this.#busy = false;
    });
  }
}
