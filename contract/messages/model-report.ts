import { z } from 'zod';
import { count, envelope, modelSchema, schemaName } from './envelope.ts';

/** How far a box is with a job. */
const JOB_STATES = [
  'idle',
  'waiting',
  'downloading',
  'verifying',
  'shadow',
  'probation',
  'promoted',
  'rolled-back',
  'refused',
  'failed',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export const modelReportSchema = z
  .strictObject({
    schema: schemaName('model-report'),
    ...envelope,
    job: count.meta({ description: 'highest job that the box has seen; 0: none' }),
    rollout: z.string().nullable(),
    state: z.enum(JOB_STATES),
    progress: z.number().min(0).max(1).nullable().meta({ description: 'share of the state’s work that is done' }),
    wanted: z.strictObject({ name: z.string(), version: z.string() }).nullable(),
    running: modelSchema
      .nullable()
      .meta({ description: 'what answers now, as the daemon says; null: no daemon spoke' }),
    served: count.nullable().meta({ description: 'frames that the running model has answered since it runs' }),
    reason: z
      .strictObject({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'why the job ended so, or waits' }),
    evidence: z
      .array(z.record(z.string(), z.json()))
      .meta({ description: 'measures of the trial that decided: mean, interval, what is tolerated, margin' }),
    groups: z.array(z.string()),
    hardware: z.strictObject({ architecture: z.string(), tags: z.array(z.string()) }),
  })
  .meta({
    title: 'How far a box is with its model',
    description: 'Retained, by the agent; published after every change and repeated every 10 minutes.',
  });

export type ModelReportMessage = z.infer<typeof modelReportSchema>;
