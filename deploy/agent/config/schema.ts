import { z } from 'zod';
import { mqttSchema } from '../../../contract/mqtt/settings.ts';
import { id, integerWithin, path, within } from '../../../core/config/fields.ts';
import { trialHours } from '../../trial/job-limits.ts';
import { trialLimits } from '../../trial/limits.ts';

/** The configuration of the agent of a box. Unknown keys are refused; every default is the one `docs/reference/agent.md` prints. */

const model = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, {
  error: '1 to 64 small letters, digits, `.`, `-` or `_`: the name of a model',
});

const timeOfDay = z.string().regex(/^(?:[01]\d|2[0-3]):[0-5]\d$/, { error: 'a time in UTC such as 01:30, in quotes' });

const repositorySchema = z.strictObject({
  /** Holds `metadata/` and `targets/`. */
  url: z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: 'an address like https://host/',
  }),
  /** The first root, as the office published it; never written. */
  root: path,
  /** PEM file with the authority of the server's certificate, beside the system's. */
  ca: path.optional(),
  /** How often the repository is asked whether there is something newer; only with `follow`. */
  pollMinutes: within(1, 10_080).default(360),
  /** Takes the newest version by itself, without a job. */
  follow: z.boolean().default(false),
});

const downloadSchema = z
  .strictObject({
    /** Bytes a second, averaged. */
    most: integerWithin(1024, 1_000_000_000).optional(),
    /** What comes slower for 30 s is given up, and gone on with later. */
    least: integerWithin(1, 1_000_000).default(1024),
    /** In 24 hours; counted anew after a restart. */
    dailyMb: within(1, 1_000_000).optional(),
  })
  .refine(({ most, least }) => most === undefined || most >= 2 * least, { error: '`most` at least twice `least`' })
  .prefault({});

const trialSchema = z
  .strictObject({
    /** What a candidate must keep to: see docs/reference/agent.md. */
    limits: trialLimits.prefault({}),
    /** Bounds of the length of a block; the daemon measures how long answers stay. */
    blockFrames: z
      .strictObject({ least: integerWithin(1, 100_000).default(100), most: integerWithin(1, 100_000).default(2000) })
      .refine(({ least, most }) => least <= most, { error: '`least` up to `most`' })
      .prefault({}),
    longestHours: trialHours.default(24),
  })
  .prefault({});

export const agentSchema = z.strictObject({
  site: id,
  box: id,
  /** Jobs for these are for this box too. */
  groups: z.array(id).max(32).default([]),
  /** Told to the office, which chooses boxes by them. */
  tags: z.array(id).max(32).default([]),
  model,
  store: path.default('/var/lib/wayside-models'),
  socket: path.default('/run/wayside-agent/agent.sock'),
  repository: repositorySchema,
  /** Folder where a stick with a copy of the repository appears. */
  usb: path.optional(),
  download: downloadSchema,
  /** Downloads and trials begin only inside; without any, at all times. */
  windows: z
    .array(z.strictObject({ from: timeOfDay, to: timeOfDay }))
    .max(16)
    .default([]),
  /** Kept free on the disk of the store. */
  reserveMb: integerWithin(1, 1_000_000).default(64),
  /** Where no daemon is connected, a verified package runs without a trial. */
  promoteWithoutTrial: z.boolean().default(false),
  trial: trialSchema,
  mqtt: mqttSchema,
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info') })
    .prefault({}),
});
export type AgentConfig = z.infer<typeof agentSchema>;
