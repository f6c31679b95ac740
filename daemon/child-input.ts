import type { ChildProcess } from 'node:child_process';
import { closeSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { hasPipes } from './child.ts';
import { openPipe, PipeWriter } from './pipe.ts';

/** What a child reads on one descriptor. */
export class ChildInput {
  readonly #pipe: ReturnType<typeof openPipe>;
  #writer: PipeWriter | undefined;
  #stream: Writable | undefined;

  /** @param capacity bytes that may wait in the pipe */
  constructor(capacity?: number) {
    this.#pipe = openPipe('writeEnd', capacity);
  }

  /** For `stdio` of the child. */
  get stdio(): number | 'pipe' {
    return this.#pipe?.readEnd ?? 'pipe';
  }

  /** To be called once, when the child was started or could not be. @param index its place in `stdio` */
  open(child: ChildProcess, index: number, onError: (error: Error) => void): void {
    if (this.#pipe !== undefined) {
      closeSync(this.#pipe.readEnd);
      this.#writer = new PipeWriter(this.#pipe.writeEnd, onError);
    } else if (hasPipes(child)) {
      this.#stream = child.stdio[index] as Writable;
      this.#stream.on('error', onError);
    }
  }

  /** The parts, one after the other; none may change until the child has answered. */
  write(parts: readonly Uint8Array[]): void {
    this.#writer?.write(parts);
    // Corked, they leave in one writev: no copy to join them.
    this.#stream?.cork();
    for (const part of parts) this.#stream?.write(part);
    this.#stream?.uncork();
  }

  /** What was written is still delivered. */
  end(): void {
    this.#writer?.end();
    this.#stream?.end();
  }
}
