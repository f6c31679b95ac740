import { z } from 'zod';
import { TRIAL_TASKS } from './measures.ts';

/**
 * What the agent and the daemon say to each other, over a Unix socket that is the agent's: JSON, one line a message.
 *
 * The daemon runs what it is told to try and reports what it saw; the agent decides. The daemon never names a path, and whatever it
 * says, the agent installs nothing that is not signed: a daemon that lies can spoil a trial.
 */
export const PROTOCOL_VERSION = 1;
/** A box has two slots and the package that came with the software. */
const MOST_UNUSABLE = 10;
/** A block of a thousand classes needs 40 KB. */
export const LONGEST_LINE_BYTES = 128 * 1024;

/** Lines of all cameras of a box. */
export const MOST_LINES = 200;

const v = z.literal(PROTOCOL_VERSION);
const digest = z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)]);
const model = z.strictObject({ name: z.string().max(64), version: z.string().max(64), digest });
const text = z.string().max(2000);
const count = z.int().min(0);
const finite = z.number();

const modelBlock = z.strictObject({
  failed: count,
  /** Null where it analysed nothing: unknown is not zero. */
  latencyMs: finite.min(0).nullable(),
  /** Largest within the block; null where the system does not tell. */
  memoryMb: finite.min(0).nullable(),
  restarts: count,
});

const block = z.strictObject({
  phase: z.enum(['shadow', 'probation']),
  frames: count,
  old: modelBlock,
  candidate: modelBlock,
  classShift: z.record(z.string().max(200), finite.min(-1).max(1)).refine((shift) => Object.keys(shift).length <= 2000),
  disagreement: finite.min(0).max(1),
  scoreDrift: finite.min(-1).max(1),
  longestGapSeconds: finite.min(0),
  /** Of a detector. */
  boxes: z
    .strictObject({ old: count, candidate: count, matched: count })
    .refine(({ old, candidate, matched }) => matched <= Math.min(old, candidate), { error: 'matched up to both' })
    .optional(),
  lines: z
    .record(z.string().max(200), z.strictObject({ old: count, candidate: count }))
    .refine((lines) => Object.keys(lines).length <= MOST_LINES)
    .optional(),
  /** Frames that the model beside the one that answers was too slow for: they count in nothing else. */
  missed: count.optional(),
});

/** From the daemon. */
export const fromDaemon = z.discriminatedUnion('type', [
  z.strictObject({
    v,
    type: z.literal('hello'),
    daemon: text,
    /** Package formats that it reads: the agent installs no other. */
    packageFormats: z.array(z.int()).max(20),
    runtime: text,
    /** What runs now. */
    model: model.nullable(),
    /** Packages that should run sooner than what does, or in place of nothing, and why they do not. Said again when it changes. */
    unusable: z
      .array(z.strictObject({ digest, code: text, message: text }))
      .max(MOST_UNUSABLE)
      .optional(),
  }),
  /** How the candidate comes up. */
  z.strictObject({
    v,
    type: z.literal('candidate'),
    trial: z.string().max(100),
    event: z.enum(['ready', 'failed', 'answers']),
    /** Of the classes it knows. */
    labels: count.optional(),
    /** @default classifier */
    task: z.enum(TRIAL_TASKS).optional(),
    /** Lines that are counted at, of all cameras. */
    lines: count.max(MOST_LINES).optional(),
    code: text.optional(),
    message: text.optional(),
  }),
  z.strictObject({ v, type: z.literal('block'), trial: z.string().max(100), index: count, block }),
  /** Another model runs: since it does, it answered so many frames. */
  z.strictObject({ v, type: z.literal('served'), model, frames: count }),
]);
export type FromDaemon = z.infer<typeof fromDaemon>;

/** From the agent. */
export const fromAgent = z.discriminatedUnion('type', [
  /** Load this beside what runs, show it the same frames, report blocks. */
  z.strictObject({
    v,
    type: z.literal('try'),
    trial: z.string().max(100),
    /** Folder of a slot; the daemon checks that it lies in the store that its configuration names. */
    package: z.string().max(4096),
    model,
    /** Bounds of a block's length; the daemon measures how long answers stay. */
    blockFrames: z.strictObject({ least: z.int().min(1), most: z.int().min(1) }),
  }),
  /** The candidate answers from now on; the old model watches. */
  z.strictObject({ v, type: z.literal('take-over'), trial: z.string().max(100) }),
  /** The trial is over; the daemon goes on with what the store says. */
  z.strictObject({ v, type: z.literal('end'), trial: z.string().max(100), reason: text }),
  /** The store has changed: read it again. */
  z.strictObject({ v, type: z.literal('reload') }),
]);
export type FromAgent = z.infer<typeof fromAgent>;
