import type { KeyObject } from 'node:crypto';
import { messageOf, WaysideError } from '../../core/errors.ts';
import type { FileSystem } from '../../core/file-system.ts';
import { type Checkpoint, signatureFault } from './checkpoint.ts';
import { bytesOf, HEADER_BYTES, SET_ASIDE, segmentsIn } from './opening.ts';
import { headerOf, linksOf, type SegmentHeader, segmentName } from './segment.ts';

/** What a journal is to be held against. */
interface Expected {
  /** One that the box published: without it, an end that was cut off is not found. */
  readonly checkpoint?: Checkpoint;
  /** Public, one of which signed it; without any the checkpoint's signature is not looked at. */
  readonly keys?: readonly KeyObject[];
}

/** What was found. */
interface Verification {
  /** `<site>/<box>`, of the newest segment. */
  readonly box: string;
  readonly segments: number;
  readonly bytes: number;
  readonly messages: number;
  /** The first and the last number; null where there is no message. */
  readonly first: number | null;
  readonly last: number | null;
  readonly acknowledged: number;
  /** Of the last record. */
  readonly head: string;
  /** Behind the last record: a write that the power cut off, or that is under way. */
  readonly tornBytes: number;
  /** Files that the box could not read when it started: nothing of them is in the chain. */
  readonly setAside: readonly string[];
  /** null: none was given. */
  readonly checkpoint: 'matches' | 'differs' | null;
  readonly faults: readonly string[];
}

/** Walks a chain, segment by segment. */
class Walk {
  readonly #checkpoint: Checkpoint | undefined;
  readonly faults: string[] = [];
  matches = false;
  messages = 0;
  first: number | null = null;
  last: number | null = null;
  acknowledged = 0;
  tornBytes = 0;
  bytes = 0;
  head: string | undefined;
  header: SegmentHeader | undefined;

  constructor(checkpoint: Checkpoint | undefined) {
    this.#checkpoint = checkpoint;
  }

  take(index: number, bytes: Buffer, isLast: boolean): void {
    const name = segmentName(index);
    this.bytes += bytes.length;
    const start = headerOf(bytes);
    if (start === undefined) {
      this.head = undefined; // what follows stands by itself
      if (isLast) this.tornBytes = bytes.length;
      else this.faults.push(`${name}: its header cannot be read`);
      return;
    }
    this.#begin(name, index, start.header);
    this.#reached(start.frame.hash);
    const links = linksOf(bytes);
    let step = links.next();
    for (; step.done !== true; step = links.next()) {
      const { record, frame } = step.value;
      if (record.type === 'message') this.#count(name, record.message.journalSeq);
      if (record.type === 'acknowledged') this.acknowledged = Math.max(this.acknowledged, record.to);
      this.#reached(frame.hash);
    }
    if (step.value === bytes.length) return;
    if (isLast) this.tornBytes = bytes.length - step.value;
    else this.faults.push(`${name}: what stands at byte ${step.value} does not follow from what is before it`);
  }

  #begin(name: string, index: number, header: SegmentHeader): void {
    const wrong = (what: string): void => void this.faults.push(`${name}: ${what}`);
    if (header.index !== index) wrong(`it is segment ${header.index} under another name`);
    if (this.head !== undefined && header.previous !== this.head)
      wrong('it does not follow from the segment before it');
    if (
      this.header !== undefined &&
      this.head !== undefined &&
      header.messages !== this.header.messages + this.#inSegment
    )
      wrong('it counts other messages before it than there are');
    if (this.last !== null && header.first <= this.last) wrong(`numbers begin again at ${header.first}`);
    this.header = header;
    this.#inSegment = 0;
    this.acknowledged = Math.max(this.acknowledged, header.acknowledged);
  }
  #inSegment = 0;

  #count(name: string, journalSeq: number): void {
    if (this.last !== null && journalSeq <= this.last)
      this.faults.push(`${name}: number ${journalSeq} after ${this.last}`);
    this.first ??= journalSeq;
    this.last = journalSeq;
    this.messages++;
    this.#inSegment++;
  }

  #reached(hash: Buffer): void {
    this.head = hash.toString('hex');
    if (this.#checkpoint !== undefined && this.head === this.#checkpoint.head) this.matches = true;
  }
}

function missing(indices: readonly number[], oldest: number): string[] {
  const faults: string[] = [];
  for (const [position, index] of indices.entries()) {
    const before = indices[position - 1] ?? oldest - 1;
    if (index !== before + 1) faults.push(`segments ${before + 1} to ${index - 1} are missing`);
  }
  return faults;
}

/** What the newest header says: older segments may be there still, and nothing is said of them. */
async function oldestKept(files: FileSystem, folder: string, indices: readonly number[]): Promise<number> {
  for (const index of indices.toReversed()) {
    const range = { from: 0, to: HEADER_BYTES };
    const header = headerOf(await bytesOf(files, `${folder}/${segmentName(index)}`, range))?.header;
    if (header !== undefined) return header.oldest;
  }
  return indices[0] ?? 0;
}

/** The segments of a journal that somebody named. @throws {WaysideError} FILE_NOT_FOUND */
export async function requireSegments(files: FileSystem, folder: string): Promise<readonly number[]> {
  const indices = await segmentsIn(files, folder).catch((cause: unknown) => {
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read ${folder}: ${messageOf(cause)}`, cause });
  });
  if (indices.length > 0) return indices;
  throw new WaysideError('FILE_NOT_FOUND', {
    message: `${folder} holds no segment of a journal`,
    hint: 'name the folder that `journal.folder` of the configuration names',
  });
}

/**
 * Reads a journal from end to end and says everything that is not as the box wrote it. Writes nothing; a box that is at work may go on.
 *
 * @throws {WaysideError} FILE_NOT_FOUND where there is no journal
 */
export async function verifyJournal(files: FileSystem, folder: string, expected: Expected = {}): Promise<Verification> {
  const indices = await requireSegments(files, folder);
  const { checkpoint, keys } = expected;
  const walk = new Walk(checkpoint);
  const oldest = await oldestKept(files, folder, indices);
  const kept = indices.filter((index) => index >= oldest);
  for (const index of kept)
    walk.take(index, await bytesOf(files, `${folder}/${segmentName(index)}`), index === indices.at(-1));
  const faults = [...walk.faults, ...missing(kept, oldest)];
  const box = walk.header?.box ?? 'unknown';
  if (checkpoint !== undefined && !walk.matches)
    faults.push(
      `it does not hold the record of the checkpoint, which is at number ${checkpoint.journalSeq}; it ends at ${walk.last ?? 'none'}`,
    );
  if (walk.tornBytes > 0)
    faults.push(
      `${walk.tornBytes} bytes behind the last record are none: a write that is under way, or that the power cut off, or an end that was tampered with`,
    );
  const unsigned = checkpoint !== undefined && keys !== undefined ? signatureFault(box, checkpoint, keys) : undefined;
  if (unsigned !== undefined) faults.push(unsigned);
  return {
    ...{
      box,
      segments: kept.length,
      bytes: walk.bytes,
      messages: walk.messages,
      first: walk.first,
      last: walk.last,
    },
    ...{ acknowledged: walk.acknowledged, head: walk.head ?? '', tornBytes: walk.tornBytes },
    setAside: (await files.list(folder)).filter((name) => name.endsWith(SET_ASIDE)),
    checkpoint: checkpoint === undefined ? null : walk.matches ? 'matches' : 'differs',
    faults,
  };
}
