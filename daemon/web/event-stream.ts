import type { ServerResponse } from 'node:http';

/** Bytes that may wait for one reader: about six images. Beyond it, what can be replaced is left out for that reader. */
const MOST_WAITING = 512 * 1024;
const MOST_READERS = 8;

/**
 * Server-sent events (WHATWG HTML, 9.2) for a few readers.
 *
 * A reader that is slower than the box misses events of `latest`, never delays others, and costs bounded memory: one that does
 * not even take what is small is let go, and its browser connects again.
 */
export class EventStream {
  readonly #readers = new Set<ServerResponse>();
  /** The last event of each name that a new reader needs at once. */
  readonly #kept = new Map<string, string>();
  #onReaders: (count: number) => void = () => undefined;

  get readers(): number {
    return this.#readers.size;
  }

  /** Called whenever readers come or go. */
  onReaders(listener: (count: number) => void): void {
    this.#onReaders = listener;
  }

  /** @returns false where no more readers are taken */
  attach(response: ServerResponse): boolean {
    if (this.#readers.size >= MOST_READERS) return false;
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
    response.write('retry: 1000\n\n');
    for (const event of this.#kept.values()) response.write(event);
    this.#readers.add(response);
    response.on('close', () => {
      this.#readers.delete(response);
      this.#onReaders(this.#readers.size);
    });
    response.on('error', () => response.destroy()); // a page that was closed
    this.#onReaders(this.#readers.size);
    return true;
  }

  /** Sends what the next of its kind replaces: a reader that is behind misses it. */
  latest(name: string, data: unknown): void {
    const event = format(name, data);
    for (const reader of this.#readers) {
      if (reader.writableLength + event.length <= MOST_WAITING) reader.write(event);
    }
  }

  /** The same, and the first thing that a new reader is told. */
  retained(name: string, data: unknown): void {
    const event = format(name, data);
    this.#kept.set(name, event);
    for (const reader of this.#readers) {
      if (reader.writableLength > 2 * MOST_WAITING) reader.destroy();
      else reader.write(event);
    }
  }

  close(): void {
    for (const reader of this.#readers) reader.end();
  }
}

/** JSON has no line breaks of its own, so one `data` line holds it. */
const format = (name: string, data: unknown): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
