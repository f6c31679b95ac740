import { existsSync, readSync, statfsSync, writevSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { WaysideError } from '../../../core/errors.ts';

/** Where processes hand each other numbers: weights to all, a part of the batch to each, its gradients back, and their mean. */
export const WEIGHTS_FILE = 'weights';
export const GRADIENTS_FILE = 'gradients';
export const shardFile = (shard: number): string => `shard-${shard}`;

/** Files that live in memory, on Linux. */
const IN_MEMORY = '/dev/shm';

/** A folder for files of so many bytes in all: in memory where there is room (a container has 64 MB by default), else on disk. */
export function exchangeFolder(bytes: number): string {
  if (!existsSync(IN_MEMORY)) return tmpdir();
  const { bavail, bsize } = statfsSync(IN_MEMORY);
  return bavail * bsize > 2 * bytes ? IN_MEMORY : tmpdir();
}

/** What happened to a process that takes part in a training. */
export const lost = (how: string): WaysideError =>
  new WaysideError('TRAINING_LOST', {
    message: `a process of the training ${how}`,
    hint: 'where memory is short, train with fewer --threads or a smaller --batch',
  });

/** Numbers in all of these arrays. */
export const floatsIn = (arrays: readonly { readonly length: number }[]): number =>
  arrays.reduce((sum, { length }) => sum + length, 0);

/** One array for each of these lengths, one after another in the same memory. */
export function consecutive(memory: Float32Array, lengths: readonly number[]): Float32Array[] {
  let from = 0;
  return lengths.map((length) => {
    from += length;
    return memory.subarray(from - length, from);
  });
}

const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** Writes arrays one after another, from a position counted in floats. @throws {WaysideError} FILE_WRITE_FAILED when there is no room */
export function writeFloats(file: number, arrays: readonly Float32Array[], position = 0): void {
  let cause: unknown;
  try {
    if (writevSync(file, arrays, position * BYTES) === floatsIn(arrays) * BYTES) return;
  } catch (thrown) {
    cause = thrown;
  }
  throw new WaysideError('FILE_WRITE_FAILED', {
    message: 'no room for what the processes of a training hand each other',
    hint: 'free memory or disk, or train with --threads 1',
    cause,
  });
}

/** Fills an array from a position counted in floats. @throws {WaysideError} TRAINING_LOST when less was written */
export function readFloats(file: number, into: Float32Array, position = 0): void {
  const bytes = new Uint8Array(into.buffer, into.byteOffset, into.byteLength);
  let read = 0;
  while (read < bytes.length) {
    const more = readSync(file, bytes, read, bytes.length - read, position * BYTES + read);
    if (more === 0) throw lost('handed over too little');
    read += more;
  }
}
