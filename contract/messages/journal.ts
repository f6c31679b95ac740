import { z } from 'zod';
import { count, envelope, instant, schemaName } from './envelope.ts';

/** What a message carries that is kept until it is delivered. */
export const journalled = {
  ...envelope,
  journalSeq: z.int().min(1).meta({
    description:
      'numbers the journalled messages of the box over all topics and sessions: it only rises, and a number is never given twice; numbers that are missing are named by a `journal/gap`',
  }),
};

export const journalGapSchema = z
  .strictObject({
    schema: schemaName('journal-gap'),
    ...journalled,
    from: count.meta({ description: 'first of the numbers (`journalSeq`) whose messages are lost, or may be' }),
    to: count.meta({ description: 'the last of them' }),
    reason: z.enum(['power-cut', 'quota', 'memory', 'damaged']).meta({
      description:
        '`power-cut`: the box did not end in order, and what was not on its disk yet is gone: up to a second before it ended, and not every number need have been given; `quota`: given up, unconfirmed, for newer ones; `memory`: the disk could not be written for longer than memory lasted; `damaged`: what was written cannot be read',
    }),
    since: instant.nullable().meta({
      description: 'when the last message before them was observed; null: not known',
    }),
    until: instant.meta({ description: 'when the loss was found' }),
  })
  .meta({
    title: 'Journalled messages that are lost',
    description: 'Journalled itself. A number in it that did arrive, before or after, is not lost.',
  });

export const journalCheckpointSchema = z
  .strictObject({
    schema: schemaName('journal-checkpoint'),
    ...envelope,
    journalSeq: count.meta({ description: 'the last message that is on the disk of the box; 0: none yet' }),
    head: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .meta({ description: 'SHA-256 of the last record, in which all before it have a part; hexadecimal' }),
    signature: z.string().nullable().meta({
      description:
        'Ed25519, base64, of the line `wayside/v1/journal-checkpoint <site>/<box> <journalSeq> <head>`; null: the box has no key',
    }),
    key: z
      .string()
      .nullable()
      .meta({ description: 'which key of the box that is: its thumbprint, as `info.identity` names it' }),
  })
  .meta({
    title: 'How far the journal of a box has come',
    description: 'Retained. Whoever keeps it finds a journal altered or cut short: `wayside journal verify`.',
  });

export type JournalCheckpointMessage = z.infer<typeof journalCheckpointSchema>;
