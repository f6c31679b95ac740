import { z } from 'zod';
import { type Frame, frameAt, hashOf } from './frame.ts';

/** Journals of a higher number are left alone. */
export const JOURNAL_FORMAT = 1;

const SUFFIX = '.journal';
/** `0000000012.journal`; segments are numbered from 1 on. */
export const segmentName = (index: number): string => `${String(index).padStart(10, '0')}${SUFFIX}`;

export function segmentIndex(name: string): number | undefined {
  const digits = /^(\d{10})\.journal$/.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

const whole = z.int().min(0);

/** The first record of a segment: what a reader has to know that begins here. */
const headerSchema = z.strictObject({
  format: z.literal(JOURNAL_FORMAT),
  /** `<site>/<box>` */
  box: z.string(),
  index: whole,
  /** Index of the oldest segment that is kept from now on: one that is missing from there on was taken away. */
  oldest: whole,
  /** The lowest number that a message in it may have. */
  first: whole,
  /** Messages that were ever written before it. */
  messages: whole,
  /** The broker has everything up to this number, or it was given up and a `gap` says so. */
  acknowledged: whole,
  /** Hash of the record before; zeros where there was none. */
  previous: z.string().regex(/^[0-9a-f]{64}$/),
  at: z.iso.datetime(),
});
export type SegmentHeader = z.infer<typeof headerSchema>;

const metaSchema = z.strictObject({
  journalSeq: whole,
  kind: z.string(),
  topic: z.string(),
  /** For the broker, from the delivery on. */
  expirySeconds: z.number(),
  /** ms since the epoch. */
  capturedAt: z.number(),
});

/** A message as the journal keeps it. */
export interface JournalMessage extends z.infer<typeof metaSchema> {
  /** JSON, as it is published. */
  readonly payload: string;
}

export const headerBody = (header: SegmentHeader): Buffer => Buffer.from(JSON.stringify(header));

/** A line of what the journal needs to know, then the message as it goes to the broker. */
export function messageBody({ payload, ...meta }: JournalMessage): Buffer {
  return Buffer.from(`${JSON.stringify(meta)}\n${payload}`);
}

export const acknowledgedBody = (to: number): Buffer => Buffer.from(JSON.stringify({ to }));

/** A record as what it says. */
type SegmentRecord =
  | { readonly type: 'header'; readonly header: SegmentHeader }
  | { readonly type: 'message'; readonly message: JournalMessage }
  | { readonly type: 'acknowledged'; readonly to: number };

/** @returns undefined for a body that says nothing: no writer of this format made it */
export function recordOf({ type, body }: Pick<Frame, 'type' | 'body'>): SegmentRecord | undefined {
  const text = body.toString('utf8');
  try {
    if (type === 'header') {
      const header = headerSchema.safeParse(JSON.parse(text)).data;
      return header && { type, header };
    }
    if (type === 'acknowledged') {
      const to = z.strictObject({ to: whole }).safeParse(JSON.parse(text)).data?.to;
      return to === undefined ? undefined : { type, to };
    }
    const end = text.indexOf('\n');
    const meta = metaSchema.safeParse(JSON.parse(text.slice(0, end))).data;
    return meta && { type, message: { ...meta, payload: text.slice(end + 1) } };
  } catch {
    return undefined;
  }
}

/** The header that a segment begins with, from its first bytes. */
export function headerOf(bytes: Buffer): { readonly header: SegmentHeader; readonly frame: Frame } | undefined {
  const frame = frameAt(bytes, 0);
  const record = frame && recordOf(frame);
  if (frame === undefined || record?.type !== 'header') return undefined;
  const expected = hashOf(Buffer.from(record.header.previous, 'hex'), 'header', frame.body);
  return expected.equals(frame.hash) ? { header: record.header, frame } : undefined;
}

/** A record with its place in file and chain. */
interface Link {
  readonly frame: Frame;
  readonly record: SegmentRecord;
}

/**
 * The records of a segment after its header, as far as frames are whole and the chain holds.
 *
 * @returns where they end: the length of the file where nothing is damaged or torn
 */
export function* linksOf(bytes: Buffer): Generator<Link, number> {
  const start = headerOf(bytes);
  if (start === undefined) return 0;
  let { hash: head, to: at } = start.frame;
  for (let frame = frameAt(bytes, at); frame !== undefined; frame = frameAt(bytes, at)) {
    const record = recordOf(frame);
    if (record === undefined || record.type === 'header') break;
    if (!hashOf(head, frame.type, frame.body).equals(frame.hash)) break;
    yield { frame, record };
    head = frame.hash;
    at = frame.to;
  }
  return at;
}
