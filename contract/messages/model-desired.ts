import { z } from 'zod';
import { envelope, instant, schemaName } from './envelope.ts';

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/i);
const version = z.string().regex(/^[a-z0-9][a-z0-9.+_-]{0,63}$/i);

export const modelDesiredSchema = z
  .strictObject({
    schema: schemaName('model-desired'),
    ...envelope,
    job: z.int().min(1).meta({
      description: 'only rises, over all jobs of an office: a box refuses one that is not above every one it has seen',
    }),
    rollout: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/)
      .meta({ description: 'the rollout that it belongs to' }),
    action: z.enum(['install', 'roll-back']),
    model: z
      .strictObject({ name, version })
      .meta({ description: 'what is wanted; for roll-back, what is to be taken back' }),
    notBefore: instant
      .optional()
      .meta({ description: 'do not begin before; the box’s maintenance window holds besides' }),
    spreadSeconds: z
      .int()
      .min(1)
      .max(7 * 86_400)
      .optional()
      .meta({
        description:
          'the box begins at a moment of its own within so many seconds, so that not all boxes of a group fetch at once; counted from when it hears the job, or from `notBefore`',
      }),
    limits: z.record(z.string(), z.json()).optional().meta({
      description:
        'limits of the trial, stricter than those that the box is configured to, as docs/reference/agent.md names them, and `longestHours`; one that is looser, unknown or no number: the job is refused (JOB_INVALID)',
    }),
  })
  .meta({
    title: 'The model that a box should run',
    description:
      'Written by the office, retained, repeated every 10 minutes. It says when and what, and has no authority: the box takes only what its repository has signed.',
  });

export type ModelDesiredMessage = z.infer<typeof modelDesiredSchema>;
