import { z } from 'zod';

/** Version of the contract: the `v1` in topics and schema names. Within it, fields are only ever added. */
export const CONTRACT_VERSION = 1;

/** UTC with milliseconds, such as `2026-03-01T12:00:00.000Z`. */
export const instant = z.iso
  .datetime({ precision: 3 })
  .meta({ description: 'UTC with milliseconds, by the clock of the box: see `clock`' });

export const count = z.int().min(0);

export const share = z.number().min(0).max(1);

/** Of a region that is not its whole box. */
export const polygonSchema = z.array(z.array(share).length(2)).min(3).meta({
  description:
    'corners [x, y] in shares of the image, in order: what of `box` lies outside was not shown to the model. Absent: all of `box` was',
});

const clockSchema = z
  .strictObject({
    synced: z
      .boolean()
      .nullable()
      .meta({ description: 'whether the clock is synchronized; null: the box cannot tell' }),
    errorMs: z
      .number()
      .min(0)
      .nullable()
      .meta({ description: 'largest error that the kernel assumes, ms; null while not synchronized or unknown' }),
  })
  .meta({ description: 'how far the times in this message can be trusted' });

export const modelSchema = z
  .strictObject({
    name: z.string(),
    version: z.string(),
    digest: z
      .string()
      .meta({ description: 'sha256 of the model package’s manifest, which holds the digests of all its files' }),
  })
  .meta({ description: 'the model that spoke' });

/** What every message carries. */
export const envelope = {
  id: z.uuid().meta({ description: 'differs for every message; a message delivered twice keeps it' }),
  session: z.uuid().meta({ description: 'one run of the daemon' }),
  seq: count.meta({
    description: 'counts the messages of this topic within `session`, from 0; a gap means messages that were lost',
  }),
  capturedAt: instant.meta({
    description:
      'when the fact was observed: for detections, when the frame reached the box, less what it was behind the camera (UTC, ms)',
  }),
  publishedAt: instant.meta({
    description: 'when the message was made (UTC, ms); it may wait for a quarter of its expiry for room on the link',
  }),
  clock: clockSchema,
};

export type Clock = z.infer<typeof clockSchema>;
export type ModelIdentity = z.infer<typeof modelSchema>;

/** The `schema` field of a kind of message: `wayside/v1/detections`. */
export const schemaName = <K extends string>(kind: K): z.ZodLiteral<`wayside/v1/${K}`> =>
  z.literal(`wayside/v${CONTRACT_VERSION}/${kind}`);
