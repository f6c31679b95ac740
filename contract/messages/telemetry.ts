import { z } from 'zod';
import { count, envelope, modelSchema, schemaName } from './envelope.ts';

const bytes = count.nullable().meta({ description: 'bytes; null: not seen' });
const percent = z.number().min(0).max(100).nullable().meta({ description: 'percent; null: not seen' });

const stageSchema = z
  .strictObject({ count, p50: z.number().nullable(), p95: z.number().nullable(), p99: z.number().nullable() })
  .meta({ description: 'ms over the interval, each within 3% of the exact percentile; null without a frame' });

export const telemetrySchema = z
  .strictObject({
    schema: schemaName('telemetry'),
    ...envelope,
    model: modelSchema.nullable(),
    intervalSeconds: z.number().meta({ description: 'what the figures of this message cover' }),
    uptimeSeconds: z.number().meta({ description: 'of the daemon' }),
    cpu: z.strictObject({ usagePercent: percent, load1: z.number().nullable() }),
    memory: z.strictObject({ totalBytes: bytes, availableBytes: bytes }),
    disk: z
      .strictObject({ totalBytes: bytes, availableBytes: bytes, usagePercent: percent })
      .meta({ description: 'the file system of `/`' }),
    network: z.strictObject({
      receivedBytesPerSecond: z.number().nullable(),
      sentBytesPerSecond: z.number().nullable(),
    }),
    temperatureCelsius: z
      .number()
      .nullable()
      .meta({ description: 'the hottest sensor of the processor; null: no sensor' }),
    throttled: z.boolean().nullable().meta({
      description: 'whether the processor slows itself down for heat or voltage now; null: the board does not tell',
    }),
    stages: z.strictObject({
      wait: stageSchema,
      preprocess: stageSchema,
      run: stageSchema,
      publish: stageSchema,
      total: stageSchema,
    }),
    fps: z
      .strictObject({ received: z.number().nullable(), analysed: z.number().nullable() })
      .meta({ description: 'of all cameras together, over the last 5 s; null without a camera' }),
    frames: z
      .strictObject({ analysed: count.nullable(), dropped: count.nullable() })
      .meta({ description: 'of all present cameras since each was started; null without a camera' }),
    inference: z.strictObject({
      ready: z.boolean(),
      restarts: count.meta({
        description: 'inference processes started beyond the first of each model, in this session',
      }),
    }),
    mqtt: z.strictObject({
      reconnects: count,
      resets: count.meta({
        description: 'connections cut off in this session because what they still held would have arrived too late',
      }),
      detectionsDropped: count.meta({
        description:
          'detections not sent in this session (no connection, or a slow one), or cut off before their arrival was confirmed; a few of the latter may have arrived',
      }),
      telemetryDropped: count.meta({ description: 'the same of telemetry' }),
    }),
    journal: z
      .strictObject({
        depth: count.meta({ description: 'journalled messages that the broker has not confirmed' }),
        lost: count.meta({ description: 'given up in this session for lack of room: `journal/gap` names them' }),
        writtenBytes: count.meta({ description: 'written to the disk by the journal in this session' }),
        writtenBytesPerDay: count
          .nullable()
          .meta({ description: 'at the rate of this session; null: younger than a minute' }),
      })
      .nullable()
      .optional()
      .meta({ description: 'null: the box keeps no journal' }),
    clockSteps: z.strictObject({ count, lastMs: z.number().nullable() }).meta({
      description:
        'how often the clock of the box was set (by 100 ms or more) in this session, and by how much last: ms, positive forwards; null: never',
    }),
    processes: z.strictObject({
      supervisorBytes: bytes,
      inferenceBytes: bytes,
      decodersBytes: bytes.meta({ description: 'resident bytes of all decoders together; null: not seen' }),
    }),
  })
  .meta({ title: 'Telemetry of a box', description: 'QoS 0, once an interval. What was not seen is null, never 0.' });

export type TelemetryMessage = z.infer<typeof telemetrySchema>;
