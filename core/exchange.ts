import { rename } from 'node:fs/promises';
import { temporaryBeside } from './temporary.ts';

/** <linux/fs.h>; AT_FDCWD: relative paths count from the working directory. */
const RENAME_EXCHANGE = 2;
const AT_FDCWD = -100;
/** <errno.h>: the kernel or the file system cannot exchange. */
const ENOSYS = 38;
const EINVAL = 22;

type Exchange = (first: string, second: string) => number;

let exchange: Promise<Exchange | undefined> | undefined;

/** Node has no renameat2(2): libc (glibc 2.28 and newer) is called directly. @returns 0, or the error number */
async function load(): Promise<Exchange | undefined> {
  if (process.platform !== 'linux') return undefined;
  const { default: koffi } = await import('koffi');
  try {
    const renameat2 = koffi.load('libc.so.6').func('int renameat2(int, str, int, str, unsigned int)') as (
      ...values: readonly (number | string)[]
    ) => number;
    return (first, second) => (renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) === 0 ? 0 : koffi.errno());
  } catch {
    return undefined; // an older libc
  }
}

/**
 * Puts `replacement` where `target` is and `target` where `replacement` was, in one step of the file system: whoever looks
 * finds one or the other, never nothing.
 *
 * Where the system cannot (not Linux, or a file system such as NFS), it takes two renames, and between them the target is
 * not there.
 */
export async function exchangeFolders(replacement: string, target: string): Promise<void> {
  exchange ??= load();
  const swap = await exchange;
  const failed = swap === undefined ? ENOSYS : swap(replacement, target);
  if (failed === 0) return;
  if (failed !== ENOSYS && failed !== EINVAL) {
    throw Object.assign(new Error(`renameat2 failed with error ${failed}`), { errno: -failed });
  }
  const aside = temporaryBeside(target);
  await rename(target, aside);
  await rename(replacement, target);
  await rename(aside, replacement);
}
