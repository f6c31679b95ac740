import { setTimeout } from 'node:timers/promises';
import type { Opened, OpenOptions, Transport } from './transport.ts';

/** As much may come at once as is due within so long. */
const BURST_SECONDS = 1;

/** A transport that takes no more than so many bytes a second, averaged: a token bucket. What does not fit waits in the sender's window. */
export class PacedTransport implements Transport {
  readonly #inner: Transport;
  readonly #rate: number;
  #tokens: number;
  #filledAt = performance.now();

  /** @param rate bytes a second */
  constructor(inner: Transport, rate: number) {
    this.#inner = inner;
    this.#rate = rate;
    this.#tokens = rate * BURST_SECONDS;
  }

  get received(): number {
    return this.#inner.received;
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async open(url: string, options: OpenOptions): Promise<Opened> {
    const { resumed, body } = await this.#inner.open(url, options);
    return { resumed, body: this.#paced(body, options.signal) };
  }

  async *#paced(body: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      yield chunk;
      const now = performance.now();
      const filled = this.#tokens + ((now - this.#filledAt) / 1000) * this.#rate;
      this.#tokens = Math.min(this.#rate * BURST_SECONDS, filled) - chunk.length;
      this.#filledAt = now;
      // A chunk larger than the bucket is owed, and paid before the next one.
      if (this.#tokens < 0) await setTimeout((-this.#tokens / this.#rate) * 1000, undefined, signal ? { signal } : {});
    }
  }
}
