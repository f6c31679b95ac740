import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError, messageOf, WaysideError } from '../../core/errors.ts';
import { type Digest, digestOf, digestOfFile } from '../../core/hash.ts';
import type { Dataset, Sample } from '../dataset.ts';
import { positionsOf } from './positions.ts';
import { prefetch } from './prefetch.ts';

const SIDE = 32;
const PLANE = SIDE * SIDE;
/** A label byte, then the planes of red, green and blue (https://www.cs.toronto.edu/~kriz/cifar.html, binary version). */
const RECORD = 1 + 3 * PLANE;
/** 256 records are 0.8 MB: far above the cost of a read, far below anything that counts. */
const BLOCK = 256;

const CIFAR10_CLASSES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

interface BatchFile {
  readonly name: string;
  readonly path: string;
  readonly records: number;
  /** Position in the set of its first record. */
  readonly first: number;
}

/** Consecutive records of one file. */
interface Run {
  readonly file: BatchFile;
  readonly from: number;
  readonly count: number;
}

const PATTERNS = { train: /^(data_batch_\d+|train)\.bin$/, test: /^(test_batch|test)\.bin$/ } as const;

async function listBatches(folder: string, split: 'train' | 'test'): Promise<BatchFile[]> {
  const names = await readdir(folder).catch((cause: unknown) => {
    throw new WaysideError('DATASET_INVALID', { message: `cannot read ${folder}: ${messageOf(cause)}`, cause });
  });
  const of = (wanted: 'train' | 'test'): string[] => names.filter((name) => PATTERNS[wanted].test(name));
  const own = of(split);
  const chosen = own.length > 0 ? own : of(split === 'train' ? 'test' : 'train');
  if (chosen.length === 0) {
    throw new WaysideError('DATASET_INVALID', {
      message: `${folder} holds neither data_batch_*.bin, train.bin, test_batch.bin nor test.bin`,
      hint: 'this is the binary version of CIFAR-10: records of 3,073 bytes, the label first',
    });
  }
  chosen.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const files: BatchFile[] = [];
  let first = 0;
  for (const name of chosen) {
    const path = join(folder, name);
    const { size } = await stat(path);
    if (size === 0 || size % RECORD !== 0) {
      throw new WaysideError('DATASET_INVALID', {
        message: `${path}: expected whole records of ${RECORD} bytes, got ${size} bytes`,
        hint: 'the file is cut short or is not in the binary layout of CIFAR-10',
      });
    }
    files.push({ name, path, records: size / RECORD, first });
    first += size / RECORD;
  }
  return files;
}

async function readRecords(handle: FileHandle, from: number, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count * RECORD);
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, from * RECORD);
  if (bytesRead === bytes.length) return bytes;
  throw new WaysideError('DATASET_INVALID', {
    message: `expected ${count} records from ${from}, got ${bytesRead} bytes`,
  });
}

async function withFile<T>(file: BatchFile, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await open(file.path, 'r');
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

async function highestLabel(files: readonly BatchFile[]): Promise<number> {
  let highest = 0;
  for (const file of files) {
    await withFile(file, async (handle) => {
      for (let from = 0; from < file.records; from += BLOCK) {
        const bytes = await readRecords(handle, from, Math.min(BLOCK, file.records - from));
        for (let at = 0; at < bytes.length; at += RECORD) highest = Math.max(highest, bytes[at]!);
      }
    });
  }
  return highest;
}

async function classNames(folder: string, files: readonly BatchFile[]): Promise<readonly string[] | undefined> {
  try {
    const names = (await readFile(join(folder, 'batches.meta.txt'), 'utf8')).split('\n').map((line) => line.trim());
    return names.filter((name) => name !== '');
  } catch (cause) {
    if (!isSystemError(cause, 'ENOENT')) throw cause;
    return (await highestLabel(files)) === CIFAR10_CLASSES.length - 1 ? CIFAR10_CLASSES : undefined;
  }
}

function fileAt(files: readonly BatchFile[], position: number): BatchFile {
  const file = files.findLast(({ first }) => first <= position);
  if (file === undefined) throw new RangeError(`no record at ${position}`);
  return file;
}

/** Joins neighbouring positions into reads of at most BLOCK records. */
function* runsOf(files: readonly BatchFile[], positions: Iterable<number>): Generator<Run> {
  let run: { file: BatchFile; from: number; count: number } | undefined;
  for (const position of positions) {
    const next = run === undefined ? -1 : run.file.first + run.from + run.count;
    if (run !== undefined && position === next && run.from + run.count < run.file.records && run.count < BLOCK) {
      run.count++;
      continue;
    }
    if (run !== undefined) yield run;
    const file = fileAt(files, position);
    run = { file, from: position - file.first, count: 1 };
  }
  if (run !== undefined) yield run;
}

function interleaved(bytes: Uint8Array, at: number): Uint8Array {
  const data = new Uint8Array(3 * PLANE);
  for (let pixel = 0, o = 0; pixel < PLANE; pixel++, o += 3) {
    data[o] = bytes[at + pixel]!;
    data[o + 1] = bytes[at + PLANE + pixel]!;
    data[o + 2] = bytes[at + 2 * PLANE + pixel]!;
  }
  return data;
}

/**
 * A folder of 32x32 images in the binary layout of CIFAR-10: `data_batch_*.bin` or `train.bin` to train on,
 * `test_batch.bin` or `test.bin` to test on. Other sets in that layout (GTSRB, 43 classes) work as well. A folder with
 * only one of both parts serves it for both.
 *
 * @throws {WaysideError} DATASET_INVALID
 */
export async function openCifar10(folder: string, split: 'train' | 'test'): Promise<Dataset> {
  const files = await listBatches(folder, split);
  const size = files.reduce((sum, file) => sum + file.records, 0);
  const classes = await classNames(folder, files);

  async function* samples(indices?: readonly number[]): AsyncGenerator<Sample> {
    const runs = runsOf(files, positionsOf(size, indices));
    // Images drawn at random are a run each: to open and close the file for every one took twice as long as to read it.
    const handles = new Map<BatchFile, Promise<FileHandle>>();
    const handleOf = (file: BatchFile): Promise<FileHandle> => {
      const handle = handles.get(file) ?? open(file.path, 'r');
      handles.set(file, handle);
      return handle;
    };
    const read = async (run: Run): Promise<{ run: Run; bytes: Uint8Array }> => ({
      run,
      bytes: await readRecords(await handleOf(run.file), run.from, run.count),
    });
    try {
      for await (const { run, bytes } of prefetch(runs, 2, read)) {
        for (let i = 0; i < run.count; i++) {
          const at = i * RECORD;
          const image = { width: SIDE, height: SIDE, data: interleaved(bytes, at + 1) };
          yield { id: `${run.file.name}#${run.from + i}`, label: bytes[at]!, image };
        }
      }
    } finally {
      // One that could not be opened has been thrown by its read, or nobody waits for it any more.
      const opened = await Promise.allSettled(handles.values());
      for (const each of opened) if (each.status === 'fulfilled') await each.value.close();
    }
  }

  return {
    name: `cifar10:${folder}`,
    split,
    size,
    classes,
    samples,
    async digest(): Promise<Digest> {
      const parts: string[] = [];
      for (const file of files) parts.push(`${file.name} ${await digestOfFile(file.path)}\n`);
      return digestOf(parts.join(''));
    },
  };
}
