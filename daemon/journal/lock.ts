import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';

/** <sys/file.h> */
const LOCK_EX = 2;
const LOCK_NB = 4;

type Flock = (descriptor: number, operation: number) => number;
let flock: Flock | undefined;

/**
 * Keeps other processes of this machine out for as long as this one lives: the kernel gives the lock back, however it ends (flock(2)).
 *
 * @param path a file that is made where there is none
 * @returns gives it back; undefined where another process has it
 * @throws Node's errors, such as `EACCES`
 */
export function lockFile(path: string): (() => void) | undefined {
  const descriptor = openSync(path, 'a', 0o640);
  flock ??= koffi.load('libc.so.6').func('int flock(int, int)') as Flock;
  if (flock(descriptor, LOCK_EX | LOCK_NB) === 0) return () => closeSync(descriptor);
  closeSync(descriptor);
  return undefined;
}
