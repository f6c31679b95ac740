import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { isSystemError, messageOf, WaysideError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/files.ts';
import { digestOf } from '../../core/hash.ts';

const EpochReport = z.strictObject({
  /** From 0. */
  epoch: z.int().min(0),
  /** Mean over its steps. */
  loss: z.number(),
  /** On the validation images, 0 to 1. */
  accuracy: z.number(),
  picturesPerSecond: z.number(),
});

/** What an epoch came to. */
export type EpochReport = Readonly<z.infer<typeof EpochReport>>;

const Header = z.strictObject({
  format: z.literal('wayside-checkpoint-1'),
  run: z.string(),
  epoch: z.int().min(0),
  step: z.int().min(0),
  loss: z.number(),
  history: z.array(EpochReport),
  seconds: z.number().min(0).default(0),
  lengths: z.array(z.int().min(0)),
  digest: z.string(),
});

/** Where a training stands: everything that decides how it goes on. */
interface Checkpoint {
  /** Digest of everything that decides the training: model, data, options. A checkpoint of another is refused. */
  readonly run: string;
  /** The step to do next. */
  readonly epoch: number;
  readonly step: number;
  /** Sum of the losses of this epoch so far. */
  readonly loss: number;
  /** Epochs that are over. */
  readonly history: readonly EpochReport[];
  /** That it took to come here, over all runs. */
  readonly seconds: number;
  /** Weights, statistics, optimizer state and the best weights so far, in an order the training knows. */
  readonly arrays: readonly Float32Array[];
}

const HINT = 'remove it to start anew, or repeat the command that made it';
const bytesOf = (array: Float32Array): Uint8Array => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** One line of JSON, a newline, then the arrays: replaced as a whole, so a power cut leaves the one before. */
export async function writeCheckpoint(path: string, { arrays, ...state }: Checkpoint): Promise<void> {
  const body = Buffer.concat(arrays.map(bytesOf));
  const header = {
    format: 'wayside-checkpoint-1',
    ...state,
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
  const end = bytes.indexOf(10);
  const body = bytes.subarray(end + 1);
  const { format: _, lengths, digest, ...state } = parseHeader(path, bytes.subarray(0, Math.max(0, end)));
  if (digestOf(body) !== digest) throw invalid(path, 'its content does not match its digest');
  if (state.run !== run) throw invalid(path, 'it belongs to a training of another model, data or options');
  const floats = new Float32Array(new Uint8Array(body).buffer);
  let at = 0;
  const arrays = lengths.map((length) => {
    at += length;
    return floats.slice(at - length, at);
  });
  return { ...state, arrays };
}

function parseHeader(path: string, line: Buffer): z.infer<typeof Header> {
  try {
    return Header.parse(JSON.parse(line.toString()));
  } catch (cause) {
    throw invalid(path, `it does not begin as a checkpoint does (${messageOf(cause).split('\n')[0]})`, cause);
  }
}

const invalid = (path: string, why: string, cause?: unknown): WaysideError =>
  new WaysideError('CHECKPOINT_INVALID', { message: `cannot go on from ${path}: ${why}`, hint: HINT, cause });
