import { z } from 'zod';
import { envelope, schemaName } from './envelope.ts';

/** Why a box is not simply `online`. */
export const stateReasonSchema = z.strictObject({
  code: z
    .enum([
      'camera-connecting',
      'camera-stalled',
      'camera-refused',
      'camera-behind',
      'camera-clock',
      'camera-view',
      'inference-starting',
      'inference-down',
      'model-refused',
      'model-fallback',
      'configuration-refused',
      'resources-short',
      'topic-refused',
      'journal-failing',
      'counts-unkept',
      'counts-impossible',
      'model-demonstration',
      'id-conflict',
      'connection-unstable',
      'stopped',
      'connection-lost',
    ])
    .meta({ description: '`stopped`: ended on request; `connection-lost`: sent by the broker as the last will' }),
  camera: z.string().optional().meta({ description: 'the camera it is about' }),
  message: z.string().meta({ description: 'one line for a person, without secrets' }),
});

export const stateSchema = z
  .strictObject({
    schema: schemaName('state'),
    ...envelope,
    state: z.enum(['online', 'degraded', 'offline']).meta({
      description: 'online: every camera and the model work; degraded: running, and `reasons` says what does not',
    }),
    bootId: z.string().nullable().meta({ description: 'changes when the machine was restarted; null where unknown' }),
    reasons: z.array(stateReasonSchema),
  })
  .meta({
    title: 'State of a box',
    description:
      'Retained; also the last will. In the last will, `capturedAt` and `publishedAt` are the times at which the connection was made: the broker cannot fill in the time of the loss.',
  });

export type StateMessage = z.infer<typeof stateSchema>;
export type StateReason = z.infer<typeof stateReasonSchema>;
