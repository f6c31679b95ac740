import { dirname } from 'node:path';
import type { FileSystem } from '../../core/file-system.ts';
import { type Frame, NO_HASH } from './frame.ts';
import type { Gap } from './gap.ts';
import { type Numbers, RESERVED_AHEAD, readNumbers } from './numbers.ts';
import { headerOf, linksOf, type SegmentHeader, segmentIndex, segmentName } from './segment.ts';

/** A segment on the disk, as far as it can be relied on. */
export interface Segment {
  readonly index: number;
  /** Undefined where it cannot be read: nothing in this segment can. */
  readonly header: SegmentHeader | undefined;
  /** Bytes that are written and flushed. */
  bytes: number;
}

/** What a start finds. */
interface Found {
  readonly segments: Segment[];
  readonly head: Buffer;
  /** The next number to give. */
  readonly next: number;
  /** The last number that was given, as far as is known. */
  readonly last: number;
  readonly acknowledged: number;
  /** Messages ever written, and how many of them are settled. */
  readonly messages: number;
  readonly settled: number;
  /** What is known to be lost. */
  readonly gaps: readonly Gap[];
}

/** A header takes some 400 bytes: the host's names are short. */
export const HEADER_BYTES = 2048;

/** Of a segment whose header cannot be read. */
export const SET_ASIDE = '.damaged';

/** Names of segments in a folder, oldest first. */
export async function segmentsIn(files: FileSystem, folder: string): Promise<number[]> {
  const found = (await files.list(folder)).map(segmentIndex).filter((index) => index !== undefined);
  return found.sort((a, b) => a - b);
}

export async function bytesOf(files: FileSystem, path: string, range?: { from: number; to: number }): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of files.stream(path, range)) pieces.push(piece);
  return Buffer.concat(pieces);
}

/**
 * Puts a journal in order after whatever ended the last run: a torn tail is cut, what was to be removed is, and what may be lost is
 * named. All that it finds is flushed when it returns: what a killed process left in the memory of the kernel is told to a broker.
 */
export async function openSegments(files: FileSystem, folder: string, now: number): Promise<Found> {
  await files.makeFolder(folder);
  for (const name of await files.list(folder))
    if (name.startsWith('.') && name.endsWith('.tmp')) await files.remove(`${folder}/${name}`);
  const numbers = await readNumbers(files, folder);
  const last = await lastSegment(files, folder, numbers);
  if (last === undefined) await files.syncFolder(dirname(folder)); // the first segment flushes the names in the folder
  const segments: Segment[] = [];
  for (const index of await segmentsIn(files, folder)) {
    const path = `${folder}/${segmentName(index)}`;
    if (last !== undefined && index < last.header.oldest) {
      await files.remove(path); // the power went between saying so and doing it
      continue;
    }
    const bytes = index === last?.index ? last.bytes : ((await files.size(path)) ?? 0);
    const header = headerOf(await bytesOf(files, path, { from: 0, to: HEADER_BYTES }))?.header;
    segments.push({ index, header, bytes });
  }
  return await stateOf(files, folder, segments, last, numbers, now);
}

interface LastSegment {
  readonly index: number;
  readonly header: SegmentHeader;
  readonly bytes: number;
  readonly head: Buffer;
  readonly lastSeq: number;
  /** When its last message was observed; undefined: it holds none. */
  readonly lastAt: number | undefined;
  readonly acknowledged: number;
  readonly messages: number;
}

/** The newest segment with a header, its torn tail cut. Newer ones hold nothing that was flushed, or are damaged: the last is set aside. */
async function lastSegment(
  files: FileSystem,
  folder: string,
  numbers: Numbers | undefined,
): Promise<LastSegment | undefined> {
  for (const index of (await segmentsIn(files, folder)).reverse()) {
    const path = `${folder}/${segmentName(index)}`;
    const bytes = await bytesOf(files, path);
    const start = headerOf(bytes);
    if (start !== undefined) return await cutTail(files, folder, bytes, start.header, start.frame, numbers);
    for (const name of await files.list(folder)) if (name.endsWith(SET_ASIDE)) await files.remove(`${folder}/${name}`);
    await files.rename(path, `${folder}/${String(index).padStart(10, '0')}${SET_ASIDE}`);
  }
  return undefined;
}

async function cutTail(
  files: FileSystem,
  folder: string,
  bytes: Buffer,
  header: SegmentHeader,
  first: Frame,
  numbers: Numbers | undefined,
): Promise<LastSegment> {
  let { acknowledged, messages } = header;
  let lastSeq = header.first - 1;
  let lastAt: number | undefined;
  let head = first.hash;
  const links = linksOf(bytes);
  let step = links.next();
  for (; step.done !== true; step = links.next()) {
    const { record, frame } = step.value;
    head = frame.hash;
    if (record.type === 'acknowledged') acknowledged = Math.max(acknowledged, record.to);
    if (record.type !== 'message') continue;
    lastSeq = record.message.journalSeq;
    lastAt = record.message.capturedAt;
    messages++;
  }
  const end = step.value;
  const endedInOrder = end === bytes.length && numbers?.free === lastSeq + 1;
  if (!endedInOrder) {
    const file = await files.open(`${folder}/${segmentName(header.index)}`, 'append');
    try {
      if (end < bytes.length) await file.truncate(end);
      await file.sync();
    } finally {
      await file.close();
    }
  }
  const { index } = header;
  return { index, header, bytes: end, head: Buffer.from(head), lastSeq, lastAt, acknowledged, messages };
}

async function stateOf(
  files: FileSystem,
  folder: string,
  segments: Segment[],
  last: LastSegment | undefined,
  numbers: Numbers | undefined,
  now: number,
): Promise<Found> {
  const gaps: Gap[] = [];
  const until = now;
  if (last === undefined) {
    const next = numbers?.free ?? 1;
    const acknowledged = next - 1;
    if (numbers !== undefined && numbers.free > numbers.acknowledged + 1)
      gaps.push({ from: numbers.acknowledged + 1, to: acknowledged, reason: 'damaged', since: null, until });
    return { segments, head: NO_HASH, next, last: acknowledged, acknowledged, messages: 0, settled: 0, gaps };
  }
  let { acknowledged } = last;
  const [oldest] = segments;
  const first = oldest?.header?.first ?? last.header.first;
  if (first > acknowledged + 1) {
    const reason = oldest?.index === last.header.oldest ? 'quota' : 'damaged';
    gaps.push({ from: acknowledged + 1, to: first - 1, reason, since: null, until });
    acknowledged = first - 1;
  }
  const known = last.lastSeq + 1;
  const next = Math.max(known, acknowledged + 1, numbers?.free ?? known + RESERVED_AHEAD);
  if (next > known)
    gaps.push({
      from: known,
      to: next - 1,
      reason: numbers === undefined ? 'damaged' : 'power-cut',
      since: last.lastAt ?? (await lastObserved(files, folder, segments)),
      until,
    });
  const settled = await settledMessages(files, folder, segments, acknowledged);
  const { head, lastSeq, messages } = last;
  return { segments, head, next, last: lastSeq, acknowledged, messages, settled, gaps };
}

/** When the last message was observed that can be read: a segment that has its header alone was begun after what may be lost. */
async function lastObserved(files: FileSystem, folder: string, segments: readonly Segment[]): Promise<number | null> {
  for (const { index, bytes } of segments.toReversed()) {
    let at: number | undefined;
    for (const { record } of linksOf(await bytesOf(files, `${folder}/${segmentName(index)}`, { from: 0, to: bytes })))
      if (record.type === 'message') at = record.message.capturedAt;
    if (at !== undefined) return at;
  }
  return null;
}

/** Messages up to a number, of all that were ever written. */
async function settledMessages(
  files: FileSystem,
  folder: string,
  segments: readonly Segment[],
  acknowledged: number,
): Promise<number> {
  const segment = segments.findLast(({ header }) => header !== undefined && header.first <= acknowledged + 1);
  if (segment?.header === undefined) return segments.find(({ header }) => header !== undefined)?.header?.messages ?? 0;
  let count = segment.header.messages;
  const bytes = await bytesOf(files, `${folder}/${segmentName(segment.index)}`, { from: 0, to: segment.bytes });
  for (const { record } of linksOf(bytes))
    if (record.type === 'message' && record.message.journalSeq <= acknowledged) count++;
  return count;
}
