import type { JournalEntry } from '../../contract/messenger.ts';

interface Batch {
  readonly entries: readonly JournalEntry[];
  /** Messages before these that found no room. */
  readonly dropped: number;
}

/** What waits for the disk, in order, up to a bound: beyond it the oldest go, and are counted. */
export class Pending {
  readonly #most: number;
  #entries: JournalEntry[] = [];
  #bytes = 0;
  #dropped = 0;

  /** @param most bytes */
  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#entries.length;
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#dropped === 0;
  }

  /** @returns how many had to go */
  add(entry: JournalEntry): number {
    this.#entries.push(entry);
    this.#bytes += entry.text.length;
    return this.#shorten();
  }

  /** The next that are to be written, about so many bytes of them. */
  take(most: number): Batch {
    let bytes = 0;
    let count = 0;
    for (const { text } of this.#entries) {
      if (count > 0 && bytes + text.length > most) break;
      bytes += text.length;
      count++;
    }
    const batch = { entries: this.#entries.slice(0, count), dropped: this.#dropped };
    this.#entries = this.#entries.slice(count);
    this.#bytes -= bytes;
    this.#dropped = 0;
    return batch;
  }

  /** They could not be written. @returns how many had to go meanwhile */
  putBack({ entries, dropped }: Batch): number {
    this.#entries = [...entries, ...this.#entries];
    this.#bytes += entries.reduce((sum, { text }) => sum + text.length, 0);
    this.#dropped += dropped;
    return this.#shorten();
  }

  #shorten(): number {
    let gone = 0;
    while (this.#bytes > this.#most && gone < this.#entries.length - 1)
      this.#bytes -= this.#entries[gone++]?.text.length ?? 0;
    if (gone > 0) this.#entries = this.#entries.slice(gone);
    this.#dropped += gone;
    return gone;
  }
}
