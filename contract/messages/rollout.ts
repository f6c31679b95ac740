import { z } from 'zod';
import { count, envelope, instant, schemaName } from './envelope.ts';

/** Where a rollout is; the last three are ends. */
const ROLLOUT_STATES = [
  'running',
  'waiting',
  'paused',
  'stopped',
  'rolling-back',
  'completed',
  'aborted',
  'rolled-back',
] as const;

const share = z.number().min(0).max(1);
const ms = z.int().min(1);
/** Boxes are put in order by a hash of 52 bits: exact in a JSON number. */
const rank = z.int().min(0);

const rolloutPolicySchema = z.strictObject({
  automatic: z.boolean().meta({ description: 'whether the next wave begins without an operator' }),
  success: share.meta({ description: 'share of a wave’s boxes that must succeed before the next begins' }),
  failures: share.meta({ description: 'share of a wave’s boxes that may fail before everything stops' }),
  silentMs: ms.meta({ description: 'a box that has not moved for so long counts as failed, and may join later' }),
  deadlineMs: ms.meta({
    description: 'a box that moves and has not ended so long after its wave began counts as failed',
  }),
  minServed: count.meta({ description: 'frames that the new model must have answered before its box counts' }),
  onFailure: z.enum(['stop', 'roll-back', 'roll-back-all']),
  spreadSeconds: z
    .int()
    .min(0)
    .max(7 * 86_400)
    .optional()
    .meta({
      description:
        'within how long the boxes of the last wave begin; absent: half a second a box, where that is a minute or more',
    }),
});

const begunSchema = z.strictObject({
  job: z.int().min(1),
  startedAt: instant,
  upTo: rank.meta({ description: 'boxes whose rank is at most this belong to the wave, or to one before it' }),
  boxes: count.meta({ description: 'boxes that were known to belong to the wave alone when it began' }),
  group: z
    .strictObject({
      names: z.array(z.string()).min(1),
      job: z.int().min(1).nullable().meta({
        description: 'the lowest of the rollout, so that boxes of earlier waves know it; null: off the topics again',
      }),
    })
    .optional()
    .meta({ description: 'groups that belong to the wave as a whole, and the job that stands on their topics' }),
});

const rolloutPlanSchema = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/),
  model: z.strictObject({ name: z.string(), version: z.string() }),
  selection: z.strictObject({
    groups: z.array(z.string()),
    tags: z.array(z.string()),
    hardware: z.array(z.string()).meta({ description: 'architectures' }),
  }),
  waves: z.array(z.string()).min(1).meta({ description: 'how many boxes run the model after each: `3`, `5%`, `all`' }),
  policy: rolloutPolicySchema,
  limits: z.record(z.string(), z.json()).optional(),
  startedBy: z.string(),
  startedAt: instant,
  state: z.enum(ROLLOUT_STATES),
  reason: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
  begun: z.array(begunSchema),
  takingBack: z
    .strictObject({ job: z.int().min(1), startedAt: instant, fromWave: count })
    .nullable()
    .meta({ description: 'the job that takes the model back, from boxes of this wave and those after it' }),
});

export const rolloutSchema = z
  .strictObject({
    schema: schemaName('rollout'),
    ...envelope,
    revision: count.meta({
      description:
        'rises with every change; of two alike, an operator’s precedes a driver’s, then the smaller `office.id`',
    }),
    follows: z.string().nullable().meta({ description: '`revision:office.id` of the record that this one changed' }),
    office: z.strictObject({
      id: z.uuid().meta({ description: 'one run of a command' }),
      name: z.string().meta({ description: 'who: user@host' }),
    }),
    changedBy: z.enum(['operator', 'driver']),
    driving: z
      .boolean()
      .meta({ description: 'whether this office begins waves and sends jobs; it then repeats this message every 5 s' }),
    job: count.meta({ description: 'highest job number that was given' }),
    rollout: rolloutPlanSchema.nullable(),
  })
  .meta({
    title: 'The rollout of a site',
    description:
      'Written and read by the office alone, retained, under `wayside/v1/<site>/_office/`: where a rollout is, so that any machine of the office can go on with it.',
  });

export type RolloutMessage = z.infer<typeof rolloutSchema>;
export type Rollout = z.infer<typeof rolloutPlanSchema>;
export type BegunWave = z.infer<typeof begunSchema>;
export type RolloutPolicy = z.infer<typeof rolloutPolicySchema>;
