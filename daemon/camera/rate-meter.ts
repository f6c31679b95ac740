/** Counts events over the last few seconds. */
export class RateMeter {
  readonly #windowMs: number;
  readonly #startedAt: number;
  #times: number[] = [];

  constructor(now: number, windowMs = 5000) {
    this.#startedAt = now;
    this.#windowMs = windowMs;
  }

  count(now: number): void {
    this.#times.push(now);
    if (this.#times.length > 64 && this.#times[this.#times.length >> 1]! < now - this.#windowMs) this.#forget(now);
  }

  /** Events a second; over the time since the beginning while that is shorter than the window. */
  perSecond(now: number): number {
    this.#forget(now);
    const seconds = Math.min(this.#windowMs, Math.max(now - this.#startedAt, 1)) / 1000;
    return this.#times.length / seconds;
  }

  #forget(now: number): void {
    const oldest = this.#times.findIndex((time) => time > now - this.#windowMs);
    this.#times = oldest < 0 ? [] : this.#times.slice(oldest);
  }
}
