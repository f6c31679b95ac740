import { isSystemError } from '../../core/errors.ts';
import type { FileSystem } from '../../core/file-system.ts';
import { FRAME_BYTES, frameAt, LONGEST_BODY } from './frame.ts';
import type { Journal } from './journal.ts';
import { bytesOf, type Segment } from './opening.ts';
import { type JournalMessage, recordOf, type SegmentHeader, segmentName } from './segment.ts';

/** A message with its place among all that were ever written. */
export interface Read extends JournalMessage {
  readonly ordinal: number;
}

/** What is read at once: some hundred messages. */
const CHUNK_BYTES = 64 * 1024;

/** Reads what is to be delivered, in order, as far as it is flushed: a backlog of any length in constant memory. */
export class MessageReader {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #journal: Journal;
  #at: { readonly index: number; readonly offset: number } | undefined;
  /** Of the last message that was read, or passed over. */
  #ordinal = 0;
  #last = 0;

  constructor(files: FileSystem, folder: string, journal: Journal) {
    this.#files = files;
    this.#folder = folder;
    this.#journal = journal;
  }

  /** The next messages; none where all were read. */
  async read(): Promise<readonly Read[]> {
    for (;;) {
      const segment = this.#segment();
      if (segment === undefined) return [];
      const from = this.#at?.offset ?? 0;
      const messages = await this.#readSome(segment, from);
      if (messages.length > 0 || (this.#at?.index === segment.index && this.#at.offset === from)) return messages;
    }
  }

  /** Where reading goes on: what was removed is passed over. */
  #segment(): Segment | undefined {
    const { segments, acknowledged } = this.#journal;
    const first = segments.findLast(({ header }) => header !== undefined && header.first <= acknowledged + 1);
    const least = first?.index ?? segments[0]?.index ?? 0;
    if (this.#at === undefined || this.#at.index < least) this.#enter(segments.find(({ index }) => index >= least));
    let segment = segments.find(({ index }) => index === this.#at?.index);
    const next = segments.find(({ index }) => index > (this.#at?.index ?? 0));
    if (next !== undefined && (segment === undefined || (this.#at?.offset ?? 0) >= segment.bytes)) {
      if ((next.header?.messages ?? 0) > this.#ordinal) this.#tellMissing(next.header);
      this.#enter(next);
      segment = next;
    }
    return segment;
  }

  #enter(segment: Segment | undefined): void {
    if (segment === undefined) return;
    this.#at = { index: segment.index, offset: 0 };
    if (segment.header !== undefined) this.#ordinal = segment.header.messages;
  }

  async #readSome(segment: Segment, from: number): Promise<readonly Read[]> {
    const end = segment.bytes;
    if (from >= end) return [];
    const bytes = await this.#bytes(segment, from, Math.min(end, from + CHUNK_BYTES));
    if (bytes === undefined) return []; // removed meanwhile: the next call goes on behind it
    const messages: Read[] = [];
    let at = 0;
    for (let frame = frameAt(bytes, 0); frame !== undefined; frame = frameAt(bytes, at)) {
      at = frame.to;
      const record = recordOf(frame);
      if (record?.type !== 'message') continue;
      this.#ordinal++;
      this.#last = record.message.journalSeq;
      if (record.message.journalSeq > this.#journal.acknowledged)
        messages.push({ ...record.message, ordinal: this.#ordinal });
    }
    this.#at = { index: segment.index, offset: from + at };
    if (at === 0) this.#passOver(segment);
    return messages;
  }

  async #bytes(segment: Segment, from: number, to: number): Promise<Buffer | undefined> {
    const path = `${this.#folder}/${segmentName(segment.index)}`;
    try {
      const bytes = await bytesOf(this.#files, path, { from, to });
      const needed = bytes.length < FRAME_BYTES ? 0 : FRAME_BYTES + bytes.readUInt32LE(0);
      if (needed <= bytes.length || needed > FRAME_BYTES + LONGEST_BODY) return bytes;
      return await bytesOf(this.#files, path, { from, to: Math.min(segment.bytes, from + needed) });
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT')) return undefined;
      throw cause;
    }
  }

  /** Nothing more of a segment can be read: what may have stood there is told. */
  #passOver(segment: Segment): void {
    this.#at = { index: segment.index, offset: segment.bytes };
    this.#tellMissing(
      this.#journal.segments.find(({ index, header }) => index > segment.index && header !== undefined)?.header,
    );
  }

  /** @param after of the next segment that can be read; undefined: there is none */
  #tellMissing(after: SegmentHeader | undefined): void {
    const { acknowledged, tip } = this.#journal;
    const from = Math.max(this.#last, acknowledged) + 1;
    const to = after === undefined ? tip.journalSeq : after.first - 1;
    if (to >= from) this.#journal.tellDamaged(from, to);
    this.#last = Math.max(this.#last, to);
  }
}
