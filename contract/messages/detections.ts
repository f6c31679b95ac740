import { z } from 'zod';
import { count, envelope, modelSchema, polygonSchema, schemaName, share } from './envelope.ts';

const detectionSchema = z.strictObject({
  class: z.string(),
  classIndex: count,
  score: share,
});

const objectSchema = z.strictObject({
  track: count.meta({ description: 'the same from frame to frame, until the object is lost' }),
  class: z.string().meta({ description: 'of the classes that are counted, as seen over all of the track' }),
  score: share.meta({ description: 'of this frame' }),
  box: z
    .array(share)
    .length(4)
    .meta({ description: '[x, y, width, height] in shares of the picture, from the top left' }),
  region: z
    .string()
    .nullable()
    .meta({ description: 'the first region from the configuration that it stands in; null: none' }),
  speed: z.number().min(0).nullable().meta({ description: 'm/s; null where the ground is not calibrated' }),
});

export const detectionsSchema = z
  .strictObject({
    schema: schemaName('detections'),
    ...envelope,
    model: modelSchema,
    camera: z.string(),
    frame: z.strictObject({
      sequence: count.meta({
        description: 'counts the frames the decoder delivered in this session; gaps are frames dropped unanalysed',
      }),
      connection: count.meta({
        description: 'counts the connections to the camera; `ptsSeconds` starts anew with each',
      }),
      ptsSeconds: z
        .number()
        .nullable()
        .meta({ description: 'time in the stream; null where the decoder does not tell' }),
      width: count.meta({ description: 'pixels of the decoded picture, as analysed' }),
      height: count,
    }),
    latencyMs: z.strictObject({ wait: z.number(), preprocess: z.number(), run: z.number(), total: z.number() }).meta({
      description:
        'from the frame reaching the box: waiting for the model, preprocessing, model run; total until published',
    }),
    regions: z.array(
      z.strictObject({
        region: z.string().meta({ description: 'name from the configuration; `frame` is the whole picture' }),
        box: z
          .array(share)
          .length(4)
          .meta({ description: '[x, y, width, height] in shares of the picture, from the top left' }),
        polygon: polygonSchema.optional(),
        classes: z
          .array(detectionSchema)
          .meta({ description: 'best first; empty: analysed, and nothing reached the threshold' }),
      }),
    ),
    objects: z.array(objectSchema).optional().meta({
      description:
        'of a model that finds objects, and always there; `regions` is empty then. Of a classifier that is shown what moves (`proposals`), beside its regions',
    }),
  })
  .meta({
    title: 'What was seen in one frame',
    description: 'One message per analysed frame. It arrives before it has expired or not at all.',
  });

export type DetectionsMessage = z.infer<typeof detectionsSchema>;
