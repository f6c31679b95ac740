import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { hasPipes } from './child.ts';
import { openPipe, readPipe } from './pipe.ts';

const NOTHING = Promise.resolve();

/** What a child writes to one descriptor, read as it comes. */
export class ChildOutput {
  readonly #pipe: ReturnType<typeof openPipe>;

  /** @param capacity bytes that may wait in the pipe */
  constructor(capacity?: number) {
    this.#pipe = openPipe('readEnd', capacity);
  }

  /** For `stdio` of the child. */
  get stdio(): number | 'pipe' {
    return this.#pipe?.writeEnd ?? 'pipe';
  }

  /**
   * To be called once, when the child was started or could not be.
   *
   * @param index its place in `stdio`
   * @param onBytes gets memory that the next bytes overwrite
   * @returns resolves when the child, and whoever has the descriptor from it, is gone and everything was read
   */
  read(child: ChildProcess, index: number, bufferBytes: number, onBytes: (bytes: Uint8Array) => void): Promise<void> {
    if (this.#pipe === undefined)
      return hasPipes(child) ? readStream(child.stdio[index] as Readable, onBytes) : NOTHING;
    closeSync(this.#pipe.writeEnd);
    return readPipe(this.#pipe.readEnd, bufferBytes, onBytes);
  }
}

function readStream(stream: Readable, onBytes: (bytes: Uint8Array) => void): Promise<void> {
  return new Promise((resolve) => {
    stream.on('data', onBytes);
    stream.on('error', () => undefined); // `close` follows
    stream.on('close', () => resolve());
  });
}
