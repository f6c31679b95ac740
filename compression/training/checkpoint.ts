import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isSystemError, WaysideError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/files.ts';
import { digestOf } from '../../core/hash.ts';

/** Where a training stands. `arrays` are weights, statistics, optimizer state and the best weights so far, in that order. */
export interface Checkpoint {
  /** Digest of everything that decides the training: model, data, options. A checkpoint of another is refused. */
  readonly run: string;
  readonly epoch: number;
  readonly best: { readonly accuracy: number; readonly epoch: number };
  readonly arrays: readonly Float32Array[];
}

const Header = z.strictObject({
  format: z.literal('wayside-checkpoint-1'),
  run: z.string(),
  epoch: z.int().min(0),
  best: z.strictObject({ accuracy: z.number(), epoch: z.int() }),
  lengths: z.array(z.int().min(0)),
  digest: z.string(),
});

const bytesOf = (array: Float32Array): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** One line of JSON, a newline, then the arrays: replaced as a whole, so a power cut leaves the one before. */
export async function writeCheckpoint(path: string, { run, epoch, best, arrays }: Checkpoint): Promise<void> {
  const body = Buffer.concat(arrays.map(bytesOf));
  const header = {
    format: 'wayside-checkpoint-1',
    run,
    epoch,
    best,
    lengths: arrays.map(({ length }) => length),
    digest: digestOf(body),
  };
  await writeFileAtomic(path, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]));
}

/**
 * Reads the checkpoint of a run; undefined where there is none.
 *
 * @throws {WaysideError} CHECKPOINT_INVALID when it is damaged, or belongs to another run
 */
export async function readCheckpoint(path: string, run: string): Promise<Checkpoint | undefined> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    throw cause;
  }
  const invalid = (message: string): WaysideError =>
    new WaysideError('CHECKPOINT_INVALID', { message: `${path}: ${message}`, hint: 'remove it to start anew' });
  const end = bytes.indexOf(10);
  let header: z.infer<typeof Header>;
  try {
    header = Header.parse(JSON.parse(bytes.subarray(0, end).toString()));
  } catch (cause) {
    throw new WaysideError('CHECKPOINT_INVALID', {
      message: `${path} is not a checkpoint`,
      hint: 'remove it to start anew',
      cause,
    });
  }
  const body = bytes.subarray(end + 1);
  if (digestOf(body) !== header.digest) throw invalid('its content does not match its digest');
  if (header.run !== run) throw invalid('it belongs to a training of another model, data or options');
  const floats = new Float32Array(new Uint8Array(body).buffer);
  const arrays: Float32Array[] = [];
  let at = 0;
  for (const length of header.lengths) {
    arrays.push(floats.slice(at, at + length));
    at += length;
  }
  return { run, epoch: header.epoch, best: header.best, arrays };
}
