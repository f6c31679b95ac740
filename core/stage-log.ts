export interface StageEntry {
  readonly name: string;
  readonly milliseconds: number;
}

/** How long each stage of a run took, in order. */
export class StageLog {
  readonly #entries: StageEntry[] = [];

  get entries(): readonly StageEntry[] {
    return this.#entries;
  }

  async run<T>(name: string, work: () => T | Promise<T>): Promise<T> {
    const started = performance.now();
    const result = await work();
    this.#entries.push({ name, milliseconds: performance.now() - started });
    return result;
  }
}
