import type { Readable } from 'node:stream';

/** A body is held back when so much of it waits to be written. */
const MOST_WAITING_BYTES = 1 << 20;

/**
 * The chunks of a body up to where it broke off, and then the error. A stream's own iterator throws what has arrived and was
 * not yet read away with the error: at each break up to 64 KB that a download would have to fetch again.
 */
export function chunksOf(body: Readable): AsyncGenerator<Uint8Array> {
  const waiting: Uint8Array[] = [];
  let bytes = 0;
  let ended = false;
  let failed: unknown;
  let wake = (): void => {};
  const notify = (): void => wake();
  body.on('data', (chunk: Uint8Array) => {
    waiting.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_WAITING_BYTES) body.pause();
    notify();
  });
  body.on('error', (error: unknown) => {
    failed = error;
    notify();
  });
  body.on('close', () => {
    ended = true;
    notify();
  });
  return (async function* read() {
    try {
      for (;;) {
        const chunk = waiting.shift();
        if (chunk !== undefined) {
          bytes -= chunk.length;
          yield chunk;
        } else if (failed !== undefined) {
          throw failed;
        } else if (ended) {
          if (!body.readableEnded) throw new Error('closed before its end');
          return;
        } else {
          const change = new Promise<void>((resolve) => {
            wake = resolve;
          });
          if (body.isPaused()) body.resume();
          await change;
        }
      }
    } finally {
      body.on('error', () => {}).destroy();
    }
  })();
}
