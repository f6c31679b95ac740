import { closeSync, constants, fstatSync, openSync, readSync, realpathSync } from 'node:fs';
import { isAbsolute, join, sep } from 'node:path';
import { messageOf, WaysideError } from '../../core/errors.ts';

/** Reads the bytes of one tensor kept outside the model file. */
export type ExternalDataReader = (tensor: string, entries: ReadonlyMap<string, string>, expected: number) => Uint8Array;

/**
 * A reader confined to one folder: a model comes from elsewhere, and its `location` must not become a way to read any
 * file of this machine. Names are resolved with all their symbolic links before anything is opened.
 *
 * @param folder where the model lies; undefined when the model came without one
 * @param budget bytes that may be read in all: a model may name the same megabytes a thousand times
 */
export function externalDataReader(folder: string | undefined, budget: number): ExternalDataReader {
  let left = budget;
  return (tensor, entries, expected) => {
    const { location, offset, length } = parseEntries(tensor, entries);
    if (folder === undefined) {
      throw refused(tensor, `lies in the file ${quote(location)}, but the model was given without its folder`);
    }
    if (length !== undefined && length !== expected) {
      throw refused(tensor, `has ${length} bytes where its type and shape need ${expected}`);
    }
    left -= expected;
    if (left < 0) throw new WaysideError('MODEL_TOO_LARGE', { message: `external data exceeds ${budget} bytes` });
    return readPiece(tensor, containedPath(tensor, folder, location), offset, expected);
  };
}

function parseEntries(tensor: string, entries: ReadonlyMap<string, string>) {
  const location = entries.get('location');
  if (location === undefined || location === '') throw refused(tensor, 'names no file');
  const count = (key: string): number | undefined => {
    const text = entries.get(key);
    if (text === undefined) return undefined;
    if (!/^\d{1,15}$/.test(text)) throw refused(tensor, `has the ${key} ${quote(text)}, which is not a count of bytes`);
    return Number(text);
  };
  return { location, offset: count('offset') ?? 0, length: count('length') };
}

/** The real path of a regular file inside the folder. */
function containedPath(tensor: string, folder: string, location: string): string {
  if (location.includes('\0')) throw refused(tensor, 'names a file with a NUL byte');
  const parts = location.split(/[/\\]/);
  if (isAbsolute(location) || /^[a-z]:/i.test(location) || parts[0] === '' || parts.includes('..')) {
    throw refused(tensor, `names ${quote(location)}, which is not a path inside the model's folder`);
  }
  let root: string;
  let real: string;
  try {
    root = realpathSync(folder);
    real = realpathSync(join(root, location));
  } catch (cause) {
    throw refused(tensor, `names ${quote(location)}: ${messageOf(cause)}`, cause);
  }
  if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw refused(tensor, `names ${quote(location)}, a link that leads outside the model's folder`);
  }
  return real;
}

/** One read of Node ends at 2^31 - 1 bytes. */
const LARGEST_READ = 2 ** 30;

function readPiece(tensor: string, path: string, offset: number, length: number): Uint8Array {
  let file: number;
  try {
    // NOFOLLOW: the path is resolved, a link here was put there since. NONBLOCK: opening a pipe must not wait.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    throw refused(tensor, `cannot be read: ${messageOf(cause)}`, cause);
  }
  try {
    const status = fstatSync(file);
    if (!status.isFile()) throw refused(tensor, `names ${quote(path)}, which is not a regular file`);
    if (offset + length > status.size) {
      throw refused(tensor, `ends at byte ${offset + length} of ${quote(path)}, which has ${status.size}`);
    }
    const bytes = allocated(tensor, length);
    for (let done = 0; done < length; ) {
      const count = readSync(file, bytes, done, Math.min(length - done, LARGEST_READ), offset + done);
      if (count === 0) throw refused(tensor, `was cut short while ${quote(path)} was read`);
      done += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** @throws {WaysideError} MODEL_TOO_LARGE where the machine, or this version of Node, has no array of that length */
function allocated(tensor: string, length: number): Uint8Array {
  try {
    return new Uint8Array(length);
  } catch (cause) {
    throw new WaysideError('MODEL_TOO_LARGE', {
      message: `${tensor} takes ${length} bytes, more than can be held here: ${messageOf(cause)}`,
      cause,
    });
  }
}

const quote = (text: string): string => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}...` : text);

function refused(tensor: string, what: string, cause?: unknown): WaysideError {
  return new WaysideError('EXTERNAL_DATA', {
    message: `external data of ${tensor} ${what}`,
    hint: 'keep the data files beside the model, in its own folder',
    cause,
  });
}
