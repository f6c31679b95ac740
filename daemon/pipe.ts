import { closeSync, readSync, writevSync } from 'node:fs';
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

/** A pipe whose one end a child gets, by its number in `stdio`, and whose other end is used here without Node's streams, and does not block. */
interface Pipe {
  readonly readEnd: number;
  readonly writeEnd: number;
}

/**
 * @param ours the end that does not block
 * @param capacity bytes that may wait in it; the kernel's own 64 KB where it gives no more
 * @returns undefined where this process cannot make pipes of its own, or has no descriptor left
 */
export function openPipe(ours: 'readEnd' | 'writeEnd', capacity?: number): Pipe | undefined {
  calls ??= loadCalls();
  if (calls === null) return undefined;
  const ends = Buffer.alloc(8);
  if (calls.pipe2(ends, O_CLOEXEC) !== 0) return undefined;
  const pipe = { readEnd: ends.readInt32LE(0), writeEnd: ends.readInt32LE(4) };
  calls.fcntl(pipe[ours], F_SETFL, 'int', O_NONBLOCK);
  if (capacity !== undefined) calls.fcntl(pipe[ours], F_SETPIPE_SZ, 'int', capacity);
  return pipe;
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

/**
 * Writes into a pipe that a child reads: at once what there is room for, the rest when there is.
 *
 * A stream takes a request, its callback and a turn of the event loop for every write; with a frame each it was a twelfth of all the
 * supervisor did.
 */
export class PipeWriter {
  readonly #fd: number;
  readonly #socket: Socket;

  /** @param fd does not block; closed with the writer */
  constructor(fd: number, onError: (error: Error) => void) {
    this.#fd = fd;
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on('error', onError);
    this.#socket.on('finish', () => this.#socket.destroy());
  }

  write(parts: readonly Uint8Array[]): void {
    if (!this.#socket.writable) return;
    let written = this.#socket.writableLength === 0 ? this.#writeNow(parts) : 0;
    for (const part of parts) {
      if (written < part.length) this.#socket.write(part.subarray(written));
      written = Math.max(0, written - part.length);
    }
  }

  /** What was written is still delivered. */
  end(): void {
    this.#socket.end();
  }

  #writeNow(parts: readonly Uint8Array[]): number {
    try {
      return writevSync(this.#fd, parts);
    } catch (cause) {
      if (isSystemError(cause, 'EAGAIN')) return 0;
      this.#socket.destroy(cause instanceof Error ? cause : undefined); // EPIPE: the child is gone, and its end tells why
      return parts.reduce((sum, part) => sum + part.length, 0);
    }
  }
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
