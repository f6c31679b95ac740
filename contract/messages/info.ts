import { z } from 'zod';
import { linkSchema } from '../../core/identity/chain.ts';
import { count, envelope, modelSchema, polygonSchema, schemaName } from './envelope.ts';

export const infoSchema = z
  .strictObject({
    schema: schemaName('info'),
    ...envelope,
    software: z.strictObject({ wayside: z.string(), node: z.string(), onnxRuntime: z.string().nullable() }),
    model: modelSchema.nullable().meta({ description: 'the model in use; null when none was accepted' }),
    inference: z
      .strictObject({
        provider: z
          .enum(['cpu', 'cuda', 'tensorrt'])
          .meta({ description: 'what nodes of the model really ran on, by the profile of ONNX Runtime' }),
        reason: z.string().nullable().meta({ description: 'why it is not the provider configured; null: it is' }),
        threads: count.meta({ description: 'inside one operator, as configured or as measured' }),
      })
      .nullable()
      .optional()
      .meta({ description: 'how the model is computed; null when none was accepted; absent: older software' }),
    cameras: z.array(
      z.strictObject({
        id: z.string(),
        rate: z.number().meta({ description: 'frames a second wanted' }),
        threshold: z.number().nullable().meta({ description: 'null: the thresholds of the model package' }),
        topK: count,
        regions: z.array(
          z.strictObject({
            name: z.string(),
            box: z.array(z.number()).length(4),
            polygon: polygonSchema.optional(),
            proposals: z
              .literal('motion')
              .optional()
              .meta({ description: 'it is not classified by itself, but what moves with its middle in it' }),
          }),
        ),
        decoder: z
          .strictObject({
            kind: z.enum(['software', 'v4l2', 'jetson']),
            program: z.enum(['ffmpeg', 'gstreamer']),
            decoder: z.string().meta({ description: 'as the program calls it: h264, h264_v4l2m2m, nvv4l2decoder' }),
            reason: z.string().nullable().meta({
              description: 'why it is not hardware that is there or was asked for; null: it is, or there is none',
            }),
          })
          .nullable()
          .optional()
          .meta({
            description:
              'what decodes this camera, by frames that it delivered; null before the first, and for a command of another kind',
          }),
      }),
    ),
    identity: z
      .strictObject({
        publicKey: z.string().meta({
          description:
            'Ed25519 key of the box, made on it: SubjectPublicKeyInfo in base64; what the box signs is by it',
        }),
        thumbprint: z.string().meta({ description: 'of that key: JWK thumbprint (RFC 7638), SHA-256 in base64url' }),
        first: z.string().meta({ description: 'the first key of the box' }),
        rotations: z.array(linkSchema).meta({
          description: 'the keys that followed, oldest first, each signed by the one before; ends with `publicKey`',
        }),
      })
      .nullable()
      .optional()
      .meta({ description: 'null: the box has no key of its own; absent: its software knows none' }),
    configuration: z.strictObject({ digest: z.string().meta({ description: 'sha256 of the configuration file' }) }),
    hardware: z.strictObject({
      architecture: z.string(),
      processor: z.string().nullable(),
      cores: count,
      memoryBytes: count,
      kernel: z.string(),
      instructionSets: z
        .array(z.string())
        .optional()
        .meta({ description: 'those that int8 models use: vnni, dotprod, i8mm, ...; empty, or absent: not known' }),
    }),
  })
  .meta({
    title: 'What runs on a box',
    description: 'Retained; published at every connection and after every change.',
  });
