/**
 * Whose turn it is: of those with something waiting, the one served longest ago. Ten cameras on a slow model each lose the
 * same share of their frames, whatever their rates.
 */
export class Turns {
  /** Since when something waits, by id, ms of `performance.now()`. */
  readonly #waiting = new Map<string, number>();
  /** In the order in which they were served last: a Set keeps insertion order. */
  readonly #served = new Set<string>();

  /** A newcomer is served first. */
  add(id: string): void {
    const others = [...this.#served].filter((other) => other !== id);
    this.#served.clear();
    for (const each of [id, ...others]) this.#served.add(each);
  }

  remove(id: string): void {
    this.#waiting.delete(id);
    this.#served.delete(id);
  }

  /** Something waits for `id`; it keeps the time of the first call until it is served. */
  offer(id: string, now: number): void {
    if (this.#served.has(id) && !this.#waiting.has(id)) this.#waiting.set(id, now);
  }

  clear(): void {
    this.#waiting.clear();
  }

  /** Since when the one that waits longest has waited. */
  waitingSince(): number | undefined {
    return this.#waiting.size === 0 ? undefined : Math.min(...this.#waiting.values());
  }

  /**
   * Serves the next one.
   *
   * @param take fetches what waits; undefined when it is gone meanwhile, then the turn passes on
   */
  next<T>(take: (id: string) => T | undefined): T | undefined {
    for (const id of this.#served) {
      if (!this.#waiting.delete(id)) continue;
      const taken = take(id);
      if (taken === undefined) continue;
      this.#served.delete(id);
      this.#served.add(id);
      return taken;
    }
    return undefined;
  }
}
