import { z } from 'zod';
import { count, instant, modelSchema, schemaName } from './envelope.ts';
import { journalled } from './journal.ts';

/** Kinds of events, which are also the last level of their topics. */
export const EVENTS = ['crossing', 'entered', 'left', 'stopped', 'wrong-way', 'movement'] as const;

const place = z.string().nullable();

export const eventSchema = z
  .strictObject({
    schema: schemaName('event'),
    ...journalled,
    model: modelSchema,
    camera: z.string(),
    event: z.enum(EVENTS),
    at: instant.meta({ description: 'when it happened, by the frames around it' }),
    object: count.meta({ description: 'the same for one object of one camera within `session`' }),
    track: count.meta({ description: 'as in the detections of that time' }),
    class: z.string().meta({ description: 'of the `classScheme`, as known at that time' }),
    line: place.meta({ description: 'crossed; null for events of zones and movements' }),
    lane: place.meta({ description: 'lane of the line, where it has lanes' }),
    direction: z.enum(['forward', 'backward']).nullable(),
    zone: place.meta({ description: 'entered, left or stopped in' }),
    movement: place.meta({ description: 'completed, as configured' }),
    seconds: z.number().min(0).nullable().meta({
      description: 'left, stopped: since it entered the zone; movement: since it began; null otherwise',
    }),
    speed: z.number().min(0).nullable().meta({ description: 'm/s; null where the ground is not calibrated' }),
  })
  .meta({
    title: 'Something that one object did',
    description: 'Kept by the box until the broker has confirmed it.',
  });
