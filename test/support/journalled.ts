import type { MessageOf } from '../../contract/messages/kinds.ts';
import { diskFiles } from '../../core/file-system.ts';
import { exportedMessages } from '../../daemon/journal/export.ts';
import type { Heard, Listener } from './listener.ts';

/** Every message of a journal that arrived, by its `id`, in the order in which it first did. */
export function journalled(listener: Listener): Heard<'event' | 'counts' | 'journal-gap'>[] {
  const arrived = new Map<string, Heard<'event' | 'counts' | 'journal-gap'>>();
  for (const each of listener.heard)
    if (each.kind === 'event' || each.kind === 'counts' || each.kind === 'journal-gap')
      if (!arrived.has(each.message.id)) arrived.set(each.message.id, each as Heard<'event'>);
  return [...arrived.values()];
}

/** Numbers up to the last that arrived which neither arrived nor are named by a gap. */
export function missingNumbers(listener: Listener): number[] {
  const all = journalled(listener);
  const numbers = new Set(all.map(({ message }) => message.journalSeq));
  const gaps = all
    .filter(({ kind }) => kind === 'journal-gap')
    .map(({ message }) => message as MessageOf<'journal-gap'>);
  return Array.from({ length: Math.max(0, ...numbers) }, (_, at) => at + 1).filter(
    (number) => !numbers.has(number) && !gaps.some(({ from, to }) => number >= from && number <= to),
  );
}

/** What is on the disk of a box, by number. */
export async function onDisk(folder: string): Promise<Map<number, { readonly id: string; readonly kind: string }>> {
  const found = new Map<number, { id: string; kind: string }>();
  const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
  for await (const { journalSeq, kind, payload } of exportedMessages(diskFiles, folder, all, () => undefined))
    found.set(journalSeq, { id: (JSON.parse(payload) as { id: string }).id, kind });
  return found;
}
