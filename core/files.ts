import { access, constants, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { isSystemError, messageOf, WaysideError } from './errors.ts';
import { exchangeFolders } from './exchange.ts';
import { temporaryBeside } from './temporary.ts';

/** Flushes the names inside a folder: without it a rename may be lost with the power (POSIX fsync(2), notes). */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Removes without hiding the failure that made it necessary. */
const discard = (path: string): Promise<void> => rm(path, { recursive: true, force: true });

function writeFailed(path: string, cause: unknown): WaysideError {
  return new WaysideError('FILE_WRITE_FAILED', {
    message: `could not write ${path}: ${messageOf(cause)}`,
    hint: isSystemError(cause, 'ENOSPC') ? 'the disk is full' : 'check the folder and its permissions',
    cause,
  });
}

/** What a file is written from: pieces one after another where one array could not hold them. */
type FileContent = string | Uint8Array | readonly Uint8Array[];

/**
 * Replaces a file as a whole: write beside it, fsync, rename, fsync the folder. A reader, or the next start after a
 * power cut, sees the old bytes or the new ones, never a part.
 *
 * @throws {WaysideError} FILE_WRITE_FAILED
 */
export async function writeFileAtomic(path: string, data: FileContent, mode = 0o644): Promise<void> {
  const target = resolve(path);
  const temporary = temporaryBeside(target);
  try {
    const handle = await open(temporary, 'wx', mode);
    try {
      // Each call goes on where the one before ended.
      for (const piece of typeof data === 'string' || data instanceof Uint8Array ? [data] : data)
        await handle.writeFile(piece);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, target);
    await syncFolder(dirname(target));
  } catch (cause) {
    await discard(temporary);
    throw writeFailed(target, cause);
  }
}

/**
 * Builds a folder out of sight and shows it whole: `fill` writes into a temporary folder beside the target, which is
 * renamed into place when `fill` succeeds and removed when it throws. A target that is replaced is exchanged in one step: there
 * is no moment without it.
 *
 * @param replace when false, an existing target that is not an empty folder is left alone
 * @throws {WaysideError} OUTPUT_EXISTS, FILE_WRITE_FAILED, or whatever `fill` throws
 */
export async function writeFolderAtomic<T>(
  path: string,
  fill: (folder: string) => Promise<T>,
  { replace = false }: { readonly replace?: boolean } = {},
): Promise<T> {
  const target = resolve(path);
  const temporary = temporaryBeside(target);
  try {
    await mkdir(dirname(target), { recursive: true });
    await mkdir(temporary);
  } catch (cause) {
    throw writeFailed(target, cause);
  }
  try {
    const result = await fill(temporary);
    await syncFolder(temporary);
    await moveIntoPlace(temporary, target, replace);
    return result;
  } catch (cause) {
    await discard(temporary);
    throw isSystemError(cause, 'ENOSPC', 'EACCES', 'EROFS', 'EDQUOT') ? writeFailed(target, cause) : cause;
  }
}

async function moveIntoPlace(temporary: string, target: string, replace: boolean): Promise<void> {
  try {
    await rename(temporary, target); // replaces an empty folder, refuses a full one
  } catch (cause) {
    if (!isSystemError(cause, 'ENOTEMPTY', 'EEXIST', 'ENOTDIR')) throw cause;
    if (!replace) {
      throw new WaysideError('OUTPUT_EXISTS', {
        message: `${target} already exists`,
        hint: 'name another folder, or allow replacing it with --force',
      });
    }
    await exchangeFolders(temporary, target);
    await syncFolder(dirname(target)); // the old folder goes when the new name is on the disk
    await discard(temporary);
    return;
  }
  await syncFolder(dirname(target));
}

/**
 * Reads a file that a person named.
 *
 * @throws {WaysideError} FILE_NOT_FOUND
 */
export async function readNamedFile(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, cause });
  }
}

/**
 * Makes sure that a file that a person named can be read, for a program that will read it.
 *
 * @throws {WaysideError} FILE_NOT_FOUND
 */
export async function readableFile(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK);
    if (!(await stat(path)).isFile()) throw new Error('it is no file');
  } catch (cause) {
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${path}: ${messageOf(cause)}`, cause });
  }
}
