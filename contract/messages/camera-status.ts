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
      .meta({ description: 'why it is not live, or what is wrong with what it sends; null while all is well' }),
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
    lagMs: z.number().min(0).nullable().meta({
      description:
        'ms that the last frame was behind the camera when it came, beyond the least since connecting; null while not live, or not known',
    }),
    view: z.enum(['ok', 'frozen', 'dark', 'covered', 'test-pattern', 'moved', 'blurred']).nullable().meta({
      description:
        'what it shows; anything but ok: nothing was seen, whatever the detections say; null while not live, or before the first frame',
    }),
  })
  .meta({
    title: 'Status of a camera',
    description: 'Retained; at every change and once a telemetry interval. Counters start with `session`.',
  });

export type CameraStatusMessage = z.infer<typeof cameraStatusSchema>;
