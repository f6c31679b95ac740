import { z } from 'zod';
import { count, envelope, modelSchema, schemaName } from './envelope.ts';

export const infoSchema = z
  .strictObject({
    schema: schemaName('info'),
    ...envelope,
    software: z.strictObject({ wayside: z.string(), node: z.string(), onnxRuntime: z.string().nullable() }),
    model: modelSchema.nullable().meta({ description: 'the model in use; null when none was accepted' }),
    cameras: z.array(
      z.strictObject({
        id: z.string(),
        rate: z.number().meta({ description: 'frames a second wanted' }),
        threshold: z.number().nullable().meta({ description: 'null: the thresholds of the model package' }),
        topK: count,
        regions: z.array(z.strictObject({ name: z.string(), box: z.array(z.number()).length(4) })),
      }),
    ),
    configuration: z.strictObject({ digest: z.string().meta({ description: 'sha256 of the configuration file' }) }),
    hardware: z.strictObject({
      architecture: z.string(),
      processor: z.string().nullable(),
      cores: count,
      memoryBytes: count,
      kernel: z.string(),
    }),
  })
  .meta({
    title: 'What runs on a box',
    description: 'Retained; published at every connection and after every change.',
  });
