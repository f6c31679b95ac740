import { closeSync, readSync } from 'node:fs';
import { type ConnectOpts, Socket, type SocketConstructorOpts } from 'node:net';
import { isSystemError } from '../core/errors.ts';
import { loadLibc } from './libc.ts';

/** <fcntl.h>: the same on x64 and arm64. */
const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_SETFL = 4;
const F_SETPIPE_SZ = 1031;

interface Calls {
  readonly pipe2: (ends: Buffer, flags: number) => number;
  readonly fcntl: (fd: number, command: number, type: 'int', value: number) => number;
}
let calls: Calls | null | undefined;

/** Null where there are none: children get Node's own pipes. */
function loadCalls(): Calls | null {
  const libc = loadLibc();
  if (libc === null) return null;
  return { pipe2: libc.func('int pipe2(void *, int)'), fcntl: libc.func('int fcntl(int, int, ...)') };
}

/** Whether this process can make pipes of its own. */
export function hasOwnPipes(): boolean {
  calls ??= loadCalls();
  return calls !== null;
}

/** A pipe whose one end a child gets, by its number in `stdio`, and whose other end is read here without Node's streams. */
interface Pipe {
  /** Does not block. */
  readonly readEnd: number;
  readonly writeEnd: number;
}

/**
 * @param capacity bytes that may wait in it; the kernel's own 64 KB where it gives no more
 * @returns undefined where this process cannot make pipes of its own, or has no descriptor left
 */
export function openPipe(capacity?: number): Pipe | undefined {
  calls ??= loadCalls();
  if (calls === null) return undefined;
  const ends = Buffer.alloc(8);
  if (calls.pipe2(ends, O_CLOEXEC) !== 0) return undefined;
  const [readEnd, writeEnd] = [ends.readInt32LE(0), ends.readInt32LE(4)];
  calls.fcntl(readEnd, F_SETFL, 'int', O_NONBLOCK);
  if (capacity !== undefined) calls.fcntl(readEnd, F_SETPIPE_SZ, 'int', capacity);
  return { readEnd, writeEnd };
}

/**
 * Calls `onBytes` with what arrives, in memory that the next bytes overwrite.
 *
 * A stream gives each read a new buffer of 64 KB, which counts towards the heap's limit: with a frame, its time and its result in
 * three reads, collecting them was a sixth of all the supervisor did.
 *
 * @returns resolves when the last writer is gone and everything was read; the end of the pipe is closed then
 */
export function readPipe(fd: number, bufferBytes: number, onBytes: (bytes: Uint8Array) => void): Promise<void> {
  return new Promise((resolve) => {
    const callback = (count: number, buffer: Uint8Array): boolean => {
      onBytes(buffer.subarray(0, count));
      return true;
    };
    // Takes `onread` as `connect` does, which its types do not know yet.
    const options: SocketConstructorOpts & ConnectOpts = {
      fd,
      readable: true,
      writable: false,
      onread: { buffer: Buffer.allocUnsafeSlow(bufferBytes), callback },
    };
    const socket = new Socket(options);
    socket.on('error', () => undefined); // `close` follows
    socket.on('close', () => resolve());
    socket.resume();
  });
}

/** What has arrived and was not read yet, as text; without waiting. */
export class PipeText {
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(4096);
  #closed = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  read(): string {
    let text = '';
    while (!this.#closed) {
      const count = this.#readSome();
      text += this.#buffer.toString('latin1', 0, count);
      if (count < this.#buffer.length) break;
    }
    return text;
  }

  close(): void {
    if (!this.#closed) closeSync(this.#fd);
    this.#closed = true;
  }

  #readSome(): number {
    try {
      return readSync(this.#fd, this.#buffer, 0, this.#buffer.length, null);
    } catch (cause) {
      if (isSystemError(cause, 'EAGAIN')) return 0;
      throw cause;
    }
  }
}
