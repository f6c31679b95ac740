export interface StageEntry {
  readonly name: string;
  /** Of the stage itself: what stages inside it took is theirs. */
  readonly milliseconds: number;
}

/** How long each stage of a run took, in the order in which they ended, and what was remarked on the way. */
export class StageLog {
  readonly #entries: StageEntry[] = [];
  readonly #listener: (text: string) => void;
  /** What stages inside the one under way have taken. */
  #inside = 0;

  /** @param listener told every remark, for a person to read at once */
  constructor(listener: (text: string) => void = () => {}) {
    this.#listener = listener;
  }

  get entries(): readonly StageEntry[] {
    return this.#entries;
  }

  async run<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const outside = this.#inside;
    this.#inside = 0;
    const started = performance.now();
    try {
      const result = await work();
      this.#entries.push({ name, milliseconds: performance.now() - started - this.#inside });
      return result;
    } finally {
      this.#inside = outside + performance.now() - started;
    }
  }

  readonly note = (text: string): void => this.#listener(text);
}
