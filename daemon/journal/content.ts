import type { FileSystem } from '../../core/file-system.ts';
import { exportedMessages } from './export.ts';
import { verifyJournal } from './verify.ts';

interface JournalContent {
  readonly box: string;
  readonly segments: number;
  readonly bytes: number;
  readonly messages: number;
  readonly undelivered: number;
  /** Numbers; null where there is no message. */
  readonly first: number | null;
  readonly last: number | null;
  /** When the first and the last were observed. */
  readonly from: string | null;
  readonly to: string | null;
  readonly gaps: readonly { readonly from: number; readonly to: number; readonly reason: string }[];
}

/** What a journal holds. @throws {WaysideError} FILE_NOT_FOUND */
export async function journalContent(files: FileSystem, folder: string): Promise<JournalContent> {
  const { box, segments, bytes, acknowledged } = await verifyJournal(files, folder);
  const all = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
  const numbers: { first: number | null; last: number | null } = { first: null, last: null };
  const observed = { from: Number.POSITIVE_INFINITY, to: Number.NEGATIVE_INFINITY };
  const gaps: { from: number; to: number; reason: string }[] = [];
  let messages = 0;
  let undelivered = 0;
  for await (const { journalSeq, kind, capturedAt, payload } of exportedMessages(files, folder, all, () => undefined)) {
    messages++;
    numbers.first ??= journalSeq;
    numbers.last = journalSeq;
    if (journalSeq > acknowledged) undelivered++;
    observed.from = Math.min(observed.from, capturedAt);
    observed.to = Math.max(observed.to, capturedAt);
    if (kind !== 'journal-gap') continue;
    const { from, to, reason } = JSON.parse(payload) as { from: number; to: number; reason: string };
    gaps.push({ from, to, reason });
  }
  const time = (ms: number): string | null => (Number.isFinite(ms) ? new Date(ms).toISOString() : null);
  return {
    ...{ box, segments, bytes, messages, undelivered, ...numbers },
    ...{ from: time(observed.from), to: time(observed.to), gaps },
  };
}
