import type { FileSystem } from '../../core/file-system.ts';
import { bytesOf } from './opening.ts';
import { type JournalMessage, linksOf, segmentName } from './segment.ts';
import { requireSegments } from './verify.ts';

/** Which messages of a journal. */
interface Wanted {
  /** ms since the epoch, of what was observed: from the first on, before the second. */
  readonly from: number;
  readonly to: number;
  /** @default all */
  readonly kinds?: readonly string[];
}

/**
 * The messages of a journal in the order of their numbers; a segment at a time is in memory.
 *
 * @param note told of what cannot be read, and is left out
 * @throws {WaysideError} FILE_NOT_FOUND
 */
export async function* exportedMessages(
  files: FileSystem,
  folder: string,
  { from, to, kinds }: Wanted,
  note: (text: string) => void,
): AsyncGenerator<JournalMessage> {
  const indices = await requireSegments(files, folder);
  for (const index of indices) {
    const bytes = await bytesOf(files, `${folder}/${segmentName(index)}`);
    const links = linksOf(bytes);
    let step = links.next();
    for (; step.done !== true; step = links.next()) {
      const { record } = step.value;
      if (record.type !== 'message') continue;
      const { capturedAt, kind } = record.message;
      if (capturedAt >= from && capturedAt < to && (kinds?.includes(kind) ?? true)) yield record.message;
    }
    if (step.value < bytes.length)
      note(`${segmentName(index)}: ${bytes.length - step.value} bytes cannot be read, or are being written`);
  }
}

/** Values by the path to them: `{a: {b: 1}}` is `a.b`; what stands in a list is numbered from 0. */
function* cellsOf(value: unknown, path = ''): Generator<readonly [path: string, value: unknown]> {
  if (typeof value !== 'object' || value === null) yield [path, value];
  else for (const [key, each] of Object.entries(value)) yield* cellsOf(each, path === '' ? key : `${path}.${key}`);
}

/** RFC 4180. A text that a spreadsheet would take for a formula gets an apostrophe in front. */
function cell(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'string' && /^[=+@-]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * A line of names, then one a message; what a message does not have, and what is null, is empty.
 *
 * @param messages called twice: the columns are known when all were seen
 */
export async function* csvOf(messages: () => AsyncIterable<JournalMessage>): AsyncGenerator<string> {
  const columns = new Set(['journalSeq', 'topic']);
  for await (const { payload } of messages())
    for (const [path] of cellsOf(JSON.parse(payload) as unknown)) columns.add(path);
  yield [...columns].map(cell).join(',');
  for await (const { topic, payload } of messages()) {
    const cells = new Map<string, unknown>([['topic', topic], ...cellsOf(JSON.parse(payload) as unknown)]);
    yield [...columns].map((column) => cell(cells.get(column))).join(',');
  }
}
