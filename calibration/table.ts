import { z } from 'zod';
import { messageOf, WaysideError } from '../core/errors.ts';
import { readNamedFile, writeFileAtomic } from '../core/files.ts';
import { type Digest, digestOf } from '../core/hash.ts';
import { Preprocessing } from '../inference/preprocess.ts';
import { encodeModel } from '../onnx/file/write.ts';
import type { Model } from '../onnx/graph.ts';
import { RANGE_METHOD_NAMES } from './ranges/methods.ts';

export const TABLE_FORMAT = 1;

const DigestText = z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)]);

const CalibratedRange = z.strictObject({
  min: z.number().max(0),
  max: z.number().min(0),
  /** Share of the value's energy that rounding and clipping take; null for an empty range. */
  noise: z.number().min(0).nullable(),
});

const CalibratedValue = z
  .strictObject({
    /** The axis of the channels where it is not 1, from the end where negative; null where none is known to be theirs. */
    axis: z.union([z.literal(-1), z.null()]).optional(),
    /** E[x] and E[x^2] of each channel, or of all values together. */
    means: z.array(z.number()),
    meanSquares: z.array(z.number().min(0)),
    /** By each method: which one is taken is decided later, by the answers of the quantized model. */
    ranges: z.record(z.enum(RANGE_METHOD_NAMES), CalibratedRange),
  })
  .readonly();
export type CalibratedValue = z.infer<typeof CalibratedValue>;

/** Ranges of the values inside a model, and what they were made from. */
export const CalibrationTable = z
  .strictObject({
    format: z.literal(TABLE_FORMAT),
    /** Of the model as `encodeModel` writes it. */
    model: DigestText,
    data: z.strictObject({
      name: z.string(),
      split: z.enum(['train', 'test']),
      digest: DigestText,
      samples: z.int().min(1),
      seed: z.int(),
    }),
    preprocessing: Preprocessing,
    /** Whether the channels of the model were equalized before it was observed. */
    equalized: z.boolean(),
    values: z.record(z.string(), CalibratedValue),
  })
  .readonly();
export type CalibrationTable = z.infer<typeof CalibrationTable>;

/** Identity of a model for its calibration: every node, attribute and weight, not the file it came in. */
export const modelDigest = (model: Model): Digest => digestOf(encodeModel(model));

const damaged = (path: string, why: string, cause?: unknown): WaysideError =>
  new WaysideError('CALIBRATION_INVALID', {
    message: `${path}: ${why}`,
    hint: 'make it again: wayside calibrate',
    cause,
  });

/** @throws {WaysideError} FILE_NOT_FOUND, CALIBRATION_INVALID */
export async function readTable(path: string): Promise<CalibrationTable> {
  const text = (await readNamedFile(path)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damaged(path, `no calibration table: ${messageOf(cause)}`, cause);
  }
  const format = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
  if (typeof format === 'number' && format !== TABLE_FORMAT) {
    throw damaged(path, `expected table format ${TABLE_FORMAT}, got ${format}`);
  }
  const parsed = CalibrationTable.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(path, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'does not fit the schema'}`);
}

/** @throws {WaysideError} FILE_WRITE_FAILED */
export async function writeTable(table: CalibrationTable, path: string): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(table, null, 1)}\n`);
}

interface TableDemands {
  /** Values that must be covered. @default none beyond the model's own digest */
  readonly values?: readonly string[];
  /** Digest of the data it must have been made from. */
  readonly data?: Digest;
}

/**
 * Refuses a table that was made for another model or other data, and says what does not fit.
 *
 * @throws {WaysideError} CALIBRATION_MISMATCH
 */
export function requireTableFor(table: CalibrationTable, model: Model, { values = [], data }: TableDemands = {}): void {
  const mismatch = (message: string, hint: string): WaysideError =>
    new WaysideError('CALIBRATION_MISMATCH', { message, hint });
  const hint = 'it was made for another model: calibrate this one';
  const missing = values.filter((name) => !Object.hasOwn(table.values, name));
  if (missing.length > 0) {
    const covered = values.length - missing.length;
    throw mismatch(
      `calibration table covers ${covered} of ${values.length} tensors; first missing: ${missing[0]}`,
      hint,
    );
  }
  const got = modelDigest(model);
  if (table.model !== got) throw mismatch(`calibration table is for model ${table.model}, got ${got}`, hint);
  if (data !== undefined && table.data.digest !== data) {
    throw mismatch(`calibration table is from data ${table.data.digest}, got ${data}`, 'it was made from other images');
  }
}
