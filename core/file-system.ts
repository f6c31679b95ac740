import { closeSync, constants, createReadStream, fstatSync, openSync, readSync } from 'node:fs';
import * as promises from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError, messageOf, WaysideError } from './errors.ts';
import { temporaryBeside } from './temporary.ts';

/** A file open for writing. What was written may be lost with the power until `sync` has returned. */
export interface OpenFile {
  write(bytes: Uint8Array): Promise<void>;
  truncate(length: number): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Bytes that are too many to hold: read in pieces, wherever they are wanted. */
export interface RandomAccess {
  readonly length: number;
  /** Bytes `from` to `to`, without the last; only until the next call. */
  read(from: number, to: number): Uint8Array;
}

export const inMemory = (bytes: Uint8Array): RandomAccess => ({
  length: bytes.length,
  read: (from, to) => bytes.subarray(from, to),
});

/**
 * Has a function look into a file without holding it. Reading is synchronous: what looks jumps from place to place, and the bytes have just
 * been read for their digest.
 */
export function withFile<T>(path: string, look: (source: RandomAccess) => T): T {
  const file = openSync(path, 'r');
  try {
    const { size: length } = fstatSync(file);
    const read = (from: number, to: number): Uint8Array => {
      const bytes = new Uint8Array(Math.max(0, Math.min(to, length) - from));
      let done = 0;
      while (done < bytes.length) {
        const count = readSync(file, bytes, done, bytes.length - done, from + done);
        if (count === 0) return bytes.subarray(0, done);
        done += count;
      }
      return bytes;
    };
    return look({ length, read });
  } finally {
    closeSync(file);
  }
}

/**
 * Every act on the disk of what has to survive a power cut, one method an act: an implementation that records them can replay
 * each prefix of them, with what was not synced lost. Errors are Node's own, such as `ENOENT`.
 */
export interface FileSystem {
  read(path: string): Promise<Buffer>;
  /** @param range the bytes from one position up to another, which is not among them; those that are there */
  stream(path: string, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** Has a function look into a file without holding it; how much is read at once is its own choice. */
  look<T>(path: string, look: (source: RandomAccess) => T): Promise<T>;
  /** Names in a folder, sorted. */
  list(folder: string): Promise<readonly string[]>;
  /** Bytes of a file; undefined where there is none. */
  size(path: string): Promise<number | undefined>;
  /** With those above it; one that is there already stays. */
  makeFolder(path: string): Promise<void>;
  /** `new` refuses a file that is there; `append` goes on where it ends. */
  open(path: string, how: 'new' | 'append', mode?: number): Promise<OpenFile>;
  /** Replaces a file of the new name in one step. */
  rename(from: string, to: string): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  /** Removes a file or link; one that is not there is no error. */
  remove(path: string): Promise<void>;
  removeFolder(path: string): Promise<void>;
  /** Flushes the names inside a folder: without it a rename may be lost with the power (POSIX fsync(2), notes). */
  syncFolder(path: string): Promise<void>;
}

const FLAGS = {
  new: constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL,
  append: constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND,
};

/** The real one. */
export const diskFiles: FileSystem = {
  read: (path) => promises.readFile(path),
  async *stream(path, range) {
    if (range !== undefined && range.from >= range.to) return;
    yield* createReadStream(path, range && { start: range.from, end: range.to - 1 }) as AsyncIterable<Buffer>;
  },
  look: async (path, look) => withFile(path, look),
  list: async (folder) => (await promises.readdir(folder)).sort(),
  async size(path) {
    try {
      return (await promises.stat(path)).size;
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return undefined;
      throw cause;
    }
  },
  makeFolder: async (path) => void (await promises.mkdir(path, { recursive: true })),
  async open(path, how, mode = 0o644) {
    const handle = await promises.open(path, FLAGS[how], mode);
    return {
      write: (bytes) => handle.writeFile(bytes),
      truncate: (length) => handle.truncate(length),
      sync: () => handle.sync(),
      close: () => handle.close(),
    };
  },
  rename: (from, to) => promises.rename(from, to),
  symlink: (target, path) => promises.symlink(target, path),
  remove: (path) => promises.rm(path, { force: true }),
  removeFolder: (path) => promises.rm(path, { recursive: true, force: true }),
  async syncFolder(path) {
    const handle = await promises.open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
};

/**
 * Replaces a file as a whole: written beside it, fsync, rename, fsync of the folder. Whenever the power goes, the next start
 * finds the old bytes or the new ones.
 *
 * @throws {WaysideError} FILE_WRITE_FAILED
 */
export async function replaceFile(
  files: FileSystem,
  path: string,
  bytes: string | Uint8Array,
  mode?: number,
): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    const file = await files.open(temporary, 'new', mode);
    try {
      await file.write(typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await files.rename(temporary, path);
    await files.syncFolder(dirname(path));
  } catch (cause) {
    await files.remove(temporary);
    throw writeFailed(path, cause);
  }
}

/** What went wrong with writing, in one shape for every writer. */
export const writeFailed = (path: string, cause: unknown): WaysideError =>
  new WaysideError('FILE_WRITE_FAILED', {
    message: `could not write ${path}: ${messageOf(cause)}`,
    hint: isSystemError(cause, 'ENOSPC') ? 'the disk is full' : 'check the folder and its permissions',
    cause,
  });
