import { z } from 'zod';
import { count, envelope, instant, schemaName } from './envelope.ts';

export const cameraStatusSchema = z
  .strictObject({
    schema: schemaName('camera-status'),
    ...envelope,
    camera: z.string(),
    state: z.enum(['connecting', 'live', 'stalled', 'refused', 'stopped']).meta({
      description:
        'connecting: no frame yet, or waiting for the next attempt; live: frames arrive; stalled: they ceased; refused: the camera denied credentials or path; stopped: no longer in use',
    }),
    reason: z
      .strictObject({ code: z.string(), message: z.string() })
      .nullable()
      .meta({ description: 'why it is not live; null while live' }),
    since: instant.meta({ description: 'when this state began' }),
    fpsIn: z.number().meta({ description: 'frames a second received from the camera, over the last 5 s' }),
    fpsAnalysed: z.number().meta({ description: 'frames a second analysed, over the last 5 s' }),
    received: count,
    analysed: count,
    dropped: count.meta({ description: 'frames replaced by a newer one before the model had time for them' }),
    reconnects: count,
    lastFrameAgeMs: z
      .number()
      .min(0)
      .nullable()
      .meta({ description: 'ms since the last frame; null before the first' }),
  })
  .meta({
    title: 'Status of a camera',
    description: 'Retained; at every change and once a telemetry interval. Counters start with `session`.',
  });

export type CameraStatusMessage = z.infer<typeof cameraStatusSchema>;
