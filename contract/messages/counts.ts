import { z } from 'zod';
import { count, instant, modelSchema, schemaName } from './envelope.ts';
import { journalled } from './journal.ts';

const share = z.number().min(0).max(1);

const adjustedSchema = z
  .strictObject({
    count: z.number().min(0),
    low: z.number().min(0),
    high: z.number().min(0),
  })
  .meta({
    description: 'corrected by what the model is known to miss and to confuse, with the bounds of a 95% interval',
  });

const flowSchema = z.strictObject({
  line: z.string(),
  direction: z.enum(['forward', 'backward']),
  lane: z
    .string()
    .nullable()
    .meta({ description: 'a lane of the line; null: all of it. A line’s own row holds what its lanes hold' }),
  count,
  classes: z
    .record(z.string(), count)
    .meta({ description: 'by class of the `classScheme`; one that is not listed did not pass' }),
  adjusted: z.record(z.string(), adjustedSchema).nullable().meta({
    description: 'by class; null where the package does not say how it errs, where two models spoke, and for a lane',
  }),
  speed: z
    .strictObject({
      measured: count,
      mean: z.number().min(0),
      v85: z.number().min(0),
      histogram: z.array(count),
    })
    .nullable()
    .meta({ description: 'm/s; histogram in steps of 10 km/h from 0; null where none was measured' }),
  headwaySeconds: z.number().min(0).nullable().meta({ description: 'mean time from one to the next' }),
});

const estimateSchema = z
  .strictObject({
    missRate: share,
    low: share,
    high: share,
    bound: z.enum(['both', 'lower']).meta({
      description:
        'lower: more may be missed than is said, for what one way of seeing overlooks the other tends to overlook too, or that could not be ruled out',
    }),
    counted: count.meta({ description: 'crossings that the model counted' }),
    captured: count.meta({ description: 'crossings that were found by motion' }),
  })
  .meta({ description: 'share of what crosses lines that the model does not see, with the bounds of a 95% interval' });

const missesSchema = z.strictObject({
  light: z
    .enum(['bright', 'dark'])
    .meta({ description: 'of the street now; it comes from crossings in the same light' }),
  seconds: z.number().min(0).meta({ description: 'since the first crossing that it comes from: a day at most' }),
  all: estimateSchema,
  classes: z.record(z.string(), estimateSchema).meta({ description: 'those of which enough were found' }),
});

export const countsSchema = z
  .strictObject({
    schema: schemaName('counts'),
    ...journalled,
    camera: z.string(),
    interval: z
      .strictObject({ from: instant, to: instant, seconds: z.int() })
      .meta({ description: 'an even interval of the wall clock; always whole' }),
    revision: count.meta({ description: '0: as first told; a higher one replaces those before it' }),
    coverage: share.meta({ description: 'share of the interval that was really seen' }),
    classScheme: z.strictObject({ name: z.string(), classes: z.array(z.string()) }),
    models: z.array(modelSchema).meta({ description: 'every model that spoke in it' }),
    purpose: z
      .literal('demonstration')
      .nullable()
      .meta({ description: 'demonstration: a model that was not made for a street spoke; null otherwise' }),
    flows: z
      .array(flowSchema)
      .nullable()
      .meta({ description: 'null where nothing was seen: what was not seen is not zero' }),
    occupancy: z
      .record(z.string(), share)
      .nullable()
      .meta({ description: 'by zone: share of the time seen in which it was not empty' }),
    misses: missesSchema.nullable().optional().meta({
      description:
        'what the model misses, by what motion finds besides, over the last day; null while nothing is known, absent where `counting.selfAudit` is off',
    }),
    uncounted: count.meta({
      description:
        'crossings that stand in no interval: the clock stepped back into some that had been told, or on over more of them than are told',
    }),
  })
  .meta({
    title: 'What passed in an interval',
    description: 'One message a camera and interval, and one more for each correction.',
  });
