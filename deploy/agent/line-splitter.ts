/** Cuts a stream of bytes into lines of bounded length. */
export class LineSplitter {
  readonly #longest: number;
  #rest: Buffer = Buffer.alloc(0);

  constructor(longest: number) {
    this.#longest = longest;
  }

  /** @throws {Error} for a line, or the beginning of one, that is too long */
  *take(chunk: Uint8Array): Generator<string> {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      const end = this.#rest.indexOf(0x0a);
      if ((end < 0 ? this.#rest.length : end) > this.#longest)
        throw new Error(`a line of more than ${this.#longest} bytes`);
      if (end < 0) return;
      const line = this.#rest.subarray(0, end).toString('utf8');
      this.#rest = this.#rest.subarray(end + 1);
      yield line;
    }
  }
}
