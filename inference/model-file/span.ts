import type { RandomAccess } from '../../core/file-system.ts';

/** Read at once: what a model says of itself lies between its weights, a few hundred bytes at a place. */
const WINDOW_BYTES = 16 * 1024;

/** The piece of a source that was read last. */
class Window {
  readonly #source: RandomAccess;
  #from = 0;
  #bytes: Uint8Array = new Uint8Array();

  constructor(source: RandomAccess) {
    this.#source = source;
  }

  at(position: number): number | undefined {
    const known = this.#bytes[position - this.#from];
    if (known !== undefined || position >= this.#source.length) return known;
    this.#bytes = this.#source.read(position, position + WINDOW_BYTES);
    this.#from = position;
    return this.#bytes[0];
  }
}

/** Part of a source, as `Uint8Array` is of a buffer. */
export class Span {
  readonly length: number;
  readonly #source: RandomAccess;
  readonly #from: number;
  readonly #window: Window;

  constructor(source: RandomAccess, from = 0, to = source.length, window = new Window(source)) {
    this.#source = source;
    this.#from = from;
    this.length = to - from;
    this.#window = window;
  }

  at(index: number): number | undefined {
    return index < this.length ? this.#window.at(this.#from + index) : undefined;
  }

  subarray(from: number, to: number): Span {
    return new Span(this.#source, this.#from + from, this.#from + to, this.#window);
  }

  /** The same, with a piece of its own: for who reads two places in turns. */
  apart(): Span {
    return new Span(this.#source, this.#from, this.#from + this.length);
  }

  bytes(): Uint8Array {
    return this.#source.read(this.#from, this.#from + this.length);
  }
}
