import { z } from 'zod';
import { isSystemError } from '../../core/errors.ts';
import type { FileSystem } from '../../core/file-system.ts';
import { decodeRecord } from '../../core/record.ts';
import { SLOTS } from './layout.ts';

const digest = z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)]);
/** Numbers of jobs only rise; 0: it came by hand. */
const job = z.int().min(0);
const moment = z.string();

/**
 * What a slot holds:
 *
 * - `empty`: nothing; its folder may be removed at any time
 * - `writing`: a package that is not complete
 * - `verified`: complete and unaltered, never run for real
 * - `trial`: being tried on traffic
 * - `good`: earned its place
 * - `retired`: was good, and was taken back by the office or by a newer one that failed to hold
 * - `bad`: failed its trial
 */
const CONDITIONS = ['empty', 'writing', 'verified', 'trial', 'good', 'retired', 'bad'] as const;
export type Condition = (typeof CONDITIONS)[number];

export const slotRecord = z.strictObject({
  slot: z.enum(SLOTS),
  condition: z.enum(CONDITIONS),
  /** Of the package, absent where the slot is empty. */
  model: z.strictObject({ name: z.string(), version: z.string(), digest }).optional(),
  job,
  /** Rises with every record of the model: of two good slots the later one is newer. */
  generation: z.int().min(0),
  /** Trials that the power or a restart cut off. */
  interrupted: z.int().min(0),
  reason: z.string().optional(),
  at: moment,
});
export type SlotRecord = z.infer<typeof slotRecord>;

export const currentRecord = z.strictObject({
  place: z.enum([...SLOTS, 'factory']),
  digest: digest.optional(),
  at: moment,
});
export type CurrentRecord = z.infer<typeof currentRecord>;

export const badRecord = z.strictObject({
  models: z.array(z.strictObject({ digest, version: z.string(), reason: z.string(), at: moment })),
});
export type BadRecord = z.infer<typeof badRecord>;

export const jobsRecord = z.strictObject({
  generation: z.int().min(0),
  /** Highest number seen, of any job. */
  highest: job,
  /** Nothing older is ever installed or gone back to, by whoever's order. */
  minVersion: z.string().optional(),
  /** Job at hand: what is to run, and how far it came. */
  wanted: z
    .strictObject({
      job,
      rollout: z.string(),
      /** Of the model, where the job is for another than this store's. */
      name: z.string().optional(),
      version: z.string(),
      /** @default install */
      action: z.enum(['install', 'roll-back']).optional(),
      /** Where it came from. @default the office */
      source: z.enum(['office', 'follow', 'stick']).optional(),
      /** ms since the epoch. */
      notBefore: z.number().optional(),
      /** Of the trial, where they differ from the box's. */
      limits: z.record(z.string(), z.json()).optional(),
      outcome: z.enum(['open', 'promoted', 'rolled-back', 'refused', 'failed']),
      reason: z.string().optional(),
    })
    .optional(),
});
export type WantedRecord = NonNullable<JobsRecord['wanted']>;
export type JobsRecord = z.infer<typeof jobsRecord>;

/** Of the copies that can be read; none has been asked for anything where there is none. */
export const newestJobs = (copies: readonly (JobsRecord | undefined)[]): JobsRecord =>
  copies.reduce<JobsRecord>((best, copy) => (copy !== undefined && copy.generation > best.generation ? copy : best), {
    generation: 0,
    highest: 0,
  });

/** A record, or why there is none: `damaged` was written and cannot be read. */
type Found<T> =
  | { readonly record: T; readonly lack?: undefined }
  | { readonly record?: undefined; readonly lack: 'absent' | 'damaged' };

/** Never throws for what is on the disk: a folder where a file should be, or bytes that make no sense, are damage. */
export async function readRecord<T>(files: FileSystem, path: string, schema: z.ZodType<T>): Promise<Found<T>> {
  try {
    const record = decodeRecord(await files.read(path), schema);
    return record === undefined ? { lack: 'damaged' } : { record };
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return { lack: 'absent' };
    return { lack: 'damaged' };
  }
}
