/** Work that may be left and gone on with: it yields after each slice how much it has done in it, in units of its own. */
export type Sliced<T> = Generator<number, T>;

/** Does it all at once. */
export function finished<T>(work: Sliced<T>): T {
  for (;;) {
    const next = work.next();
    if (next.done === true) return next.value;
  }
}

/** Work in the order in which it came, a slice at a time: whatever else has happened meanwhile has its turn between two slices. */
export class SlicedQueue {
  readonly #waiting: Sliced<void>[] = [];
  #next: NodeJS.Immediate | undefined;

  add(work: Sliced<void>): void {
    this.#waiting.push(work);
    this.#next ??= setImmediate(() => this.#slice());
  }

  /** Does at once what is left. */
  finish(): void {
    clearImmediate(this.#next);
    this.#next = undefined;
    for (let work = this.#waiting.shift(); work !== undefined; work = this.#waiting.shift()) finished(work);
  }

  #slice(): void {
    this.#next = undefined;
    const [work] = this.#waiting;
    if (work === undefined) return;
    let over = true;
    try {
      over = work.next().done === true;
    } finally {
      if (over) this.#waiting.shift();
      if (this.#waiting.length > 0) this.#next = setImmediate(() => this.#slice());
    }
  }
}
