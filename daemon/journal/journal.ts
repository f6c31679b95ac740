import type { JournalEntry } from '../../contract/messenger.ts';
import { messageOf } from '../../core/errors.ts';
import type { FileSystem } from '../../core/file-system.ts';
import { Chain } from './chain.ts';
import type { Gap } from './gap.ts';
import { RESERVED_AHEAD, writeNumbers } from './numbers.ts';
import { openSegments, type Segment } from './opening.ts';
import { Pending } from './pending.ts';
import { type GivenUp, givenUp, type Retention } from './retention.ts';
import { acknowledgedBody, JOURNAL_FORMAT, messageBody } from './segment.ts';

export interface JournalOptions {
  /** `<site>/<box>` */
  readonly box: string;
  readonly retention: Retention;
  /** Of what waits for the disk. */
  readonly memoryBytes?: number;
  /** The message that tells of a gap. */
  readonly gapEntry: (gap: Gap) => JournalEntry;
  /** ms since the epoch. @default Date.now */
  readonly now?: () => number;
}

/** What has happened up to now. */
export interface JournalStatus {
  /** Messages without an acknowledgement, those that wait for the disk included. */
  readonly depth: number;
  /** Why the disk could not be written at the last try. */
  readonly failing: string | undefined;
  /** Written since the journal was opened. */
  readonly bytesWritten: number;
  /** Messages given up since the journal was opened, for lack of room. */
  readonly lost: number;
}

/** 4 MB hold ten minutes of eight cameras' counts and events, and more. */
const MEMORY_BYTES = 4_000_000;
/** At most so much is written at once. */
const BATCH_BYTES = 1_000_000;
/** An acknowledgement goes with the next messages, or after this long by itself: what is not written down is delivered twice. */
const ACKNOWLEDGE_MS = 10_000;

/**
 * Keeps messages until they are acknowledged, and for a while after it, in a hash chain over segments of a folder.
 *
 * - Nothing is readable, and so published, before it is flushed: a power cut takes no message that anybody has seen.
 * - A number is given once: before the first of a range is used, the range is on the disk.
 * - The chain is only ever appended to; a segment is removed when a newer one says so.
 * - A write that failed is undone before the next ({@link Chain}): the chain on the disk is that in memory.
 * - The disk calls nothing settled that lies in a gap it has no word of: the next start finds that gap again.
 */
export class Journal {
  readonly #files: FileSystem;
  readonly #folder: string;
  readonly #options: JournalOptions;
  readonly #now: () => number;
  readonly #pending: Pending;
  readonly #chain: Chain;
  #next = 1;
  #free = 1;
  #last = 0;
  #acknowledged = 0;
  #acknowledgedWritten = 0;
  #acknowledgedAt = 0;
  #messages = 0;
  #settled = 0;
  /** To be told with the next that is written. */
  readonly #gaps: Gap[] = [];
  /** What the newest segment says is removed: done once the gap is told. */
  #due: GivenUp | undefined;
  /** Beside the chain: numbers. */
  #bytesWritten = 0;
  #lost = 0;
  #failing: string | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(files: FileSystem, folder: string, options: JournalOptions) {
    this.#files = files;
    this.#folder = folder;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#pending = new Pending(options.memoryBytes ?? MEMORY_BYTES);
    this.#chain = new Chain(files, folder);
  }

  /** Messages up to this number are settled. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Segments, with as many of their bytes as are flushed. */
  get segments(): readonly Segment[] {
    return this.#chain.segments;
  }

  /** The last message that is flushed, and the hash of the last record. */
  get tip(): { readonly journalSeq: number; readonly head: string } {
    return { journalSeq: this.#last, head: this.#chain.head.toString('hex') };
  }

  /** Messages ever written. */
  get written(): number {
    return this.#messages;
  }

  status(): JournalStatus {
    return {
      depth: this.#messages - this.#settled + this.#pending.count + this.#gaps.length,
      failing: this.#failing,
      bytesWritten: this.#bytesWritten + this.#chain.bytesWritten,
      lost: this.#lost,
    };
  }

  /** Takes a journal over from the run before, and tells what that lost. @throws Node's errors, and what {@link openSegments} throws */
  async open(): Promise<void> {
    const found = await openSegments(this.#files, this.#folder, this.#now());
    this.#chain.takeOver(found);
    this.#next = found.next;
    this.#free = found.next;
    this.#last = found.last;
    this.#acknowledged = found.acknowledged;
    this.#gaps.push(...found.gaps);
    this.#acknowledgedWritten = this.#told();
    this.#acknowledgedAt = this.#now();
    this.#messages = found.messages;
    this.#settled = found.settled;
    // From here on an end that is none in order has to be noticed, even before anything was written.
    this.#failing = await this.#reserve(0).then(() => undefined, messageOf);
  }

  /** Takes a message; it gets its number when it is written. Before {@link open} it waits in memory. */
  append(entry: JournalEntry): void {
    this.#lost += this.#pending.add(entry);
  }

  /** The broker has everything up to a number. @param settled how many messages that are, of all that were ever written */
  acknowledge(journalSeq: number, settled: number): void {
    if (journalSeq <= this.#acknowledged) return;
    this.#acknowledged = journalSeq;
    this.#settled = Math.max(this.#settled, settled);
  }

  /** What cannot be read: told with the next that is written. */
  tellDamaged(from: number, to: number): void {
    this.#gaps.push({ from, to, reason: 'damaged', since: null, until: this.#now() });
  }

  /**
   * Writes and flushes what waits. Does not throw: a disk that cannot be written is the journal's status, and everything waits for the
   * next call.
   *
   * @returns whether something was written
   */
  commit(closing = false): Promise<boolean> {
    const done = this.#turn.then(() => this.#commit(closing));
    this.#turn = done;
    return done;
  }

  /** Writes what waits, and that nothing was lost. */
  async close(): Promise<void> {
    while (await this.commit(true)) if (this.#pending.isEmpty) break;
    await this.#chain.close();
    if (this.#failing !== undefined || this.#pending.count > 0 || this.#free === this.#next) return;
    const numbers = { free: this.#next, acknowledged: this.#told() };
    // Where that cannot be written, the next start takes this end for one without order, and tells of it.
    this.#failing = await writeNumbers(this.#files, this.#folder, numbers).then(() => undefined, messageOf);
    this.#free = this.#next;
  }

  async #commit(closing: boolean): Promise<boolean> {
    const now = this.#now();
    const owed = this.#acknowledged > this.#acknowledgedWritten;
    const acknowledges = owed && (closing || now - this.#acknowledgedAt >= ACKNOWLEDGE_MS);
    if (this.#pending.isEmpty && this.#gaps.length === 0 && !acknowledges) return false;
    const batch = this.#pending.take(BATCH_BYTES);
    try {
      if (this.#failing !== undefined) await this.#chain.mend();
      await this.#write(batch.entries, batch.dropped, now);
    } catch (cause) {
      this.#failing = messageOf(cause);
      this.#lost += this.#pending.putBack(batch);
      return false;
    }
    this.#failing = await this.#remove().catch(messageOf);
    return true;
  }

  async #write(taken: readonly JournalEntry[], dropped: number, now: number): Promise<void> {
    const bytes = taken.reduce((sum, { text }) => sum + text.length, 0);
    // What is given up for the quota adds a gap, memory that overflowed another one.
    const told = [...this.#gaps];
    await this.#reserve(taken.length + dropped + told.length + 2);
    await this.#makeRoom(bytes, now);
    let next = this.#next;
    const gaps = [...told];
    const tell = (from: number, to: number, reason: Gap['reason']): void => {
      gaps.push({ from, to, reason, since: null, until: now });
    };
    const acknowledged = this.#told(this.#gaps.slice(told.length));
    const settledTo = Math.max(acknowledged, this.#due?.settledTo ?? 0);
    if (settledTo > acknowledged) tell(acknowledged + 1, settledTo, 'quota');
    if (dropped > 0) {
      tell(next, next + dropped - 1, 'memory');
      next += dropped;
    }
    const records = [...gaps.map(this.#options.gapEntry), ...taken].map((entry) => {
      const { text, ...meta } = entry;
      const journalSeq = next++;
      const payload = `${text.slice(0, -1)},"journalSeq":${journalSeq}}`;
      return ['message', messageBody({ journalSeq, ...meta, payload })] as const;
    });
    const withAcknowledgement = settledTo > this.#acknowledgedWritten;
    const end = withAcknowledgement ? [['acknowledged', acknowledgedBody(settledTo)] as const] : [];
    await this.#chain.append([...records, ...end]);
    this.#gaps.splice(0, told.length);
    if (records.length > 0) this.#last = next - 1;
    this.#next = next;
    this.#messages += records.length;
    this.#acknowledged = Math.max(this.#acknowledged, settledTo);
    if (!withAcknowledgement) return;
    this.#acknowledgedWritten = settledTo;
    this.#acknowledgedAt = now;
  }

  /** What the disk may call settled while gaps are not written down: the messages before the first of them. */
  #told(untold: readonly Gap[] = this.#gaps): number {
    return untold.reduce((to, { from }) => Math.min(to, from - 1), this.#acknowledged);
  }

  /** Before a number is given, it is on the disk that it may have been. */
  async #reserve(count: number): Promise<void> {
    if (this.#next + count < this.#free) return;
    const free = this.#next + count + RESERVED_AHEAD;
    this.#bytesWritten += await writeNumbers(this.#files, this.#folder, { free, acknowledged: this.#told() });
    this.#free = free;
  }

  /** Begins a segment where one is due. */
  async #makeRoom(bytes: number, now: number): Promise<void> {
    const { retention, box } = this.#options;
    const { segments, head } = this.#chain;
    const current = segments.at(-1);
    const header = current?.header;
    const goesOn =
      current !== undefined &&
      header !== undefined &&
      header.box === box &&
      current.bytes + bytes <= retention.segmentBytes &&
      Math.abs(now - Date.parse(header.at)) < retention.segmentMs;
    if (goesOn) return;
    const acknowledged = this.#told();
    const removed = givenUp(segments, { ...retention, now, acknowledged });
    const kept = segments[removed?.segments.length ?? 0];
    const index = (current?.index ?? 0) + 1;
    await this.#chain.begin({
      format: JOURNAL_FORMAT,
      ...{ box, index, oldest: kept?.index ?? index, first: this.#last + 1, messages: this.#messages },
      ...{ acknowledged, previous: head.toString('hex'), at: new Date(now).toISOString() },
    });
    this.#due = removed;
  }

  /** Removes what the newest segment says is no longer kept. */
  async #remove(): Promise<undefined> {
    if (this.#due === undefined) return;
    const { segments, settled } = this.#due;
    this.#lost += Math.max(0, settled - this.#settled);
    this.#settled = Math.max(this.#settled, settled);
    await this.#chain.remove(segments);
    this.#due = undefined;
  }
}
