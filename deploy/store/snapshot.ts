import type { FileSystem } from '../../core/file-system.ts';
import { otherSlot, type Place, SLOTS, type Slot, StoreLayout } from './layout.ts';
import {
  type BadRecord,
  badRecord,
  type CurrentRecord,
  currentRecord,
  type JobsRecord,
  jobsRecord,
  newestJobs,
  readRecord,
  type SlotRecord,
  slotRecord,
} from './records.ts';

/** What the store of one model says, as read; nothing of it was verified but its checksums. */
export interface StoreSnapshot {
  readonly layout: StoreLayout;
  readonly slots: Readonly<Record<Slot, SlotRecord | undefined>>;
  readonly current: CurrentRecord | undefined;
  readonly bad: BadRecord;
  readonly jobs: JobsRecord;
  /** Files that were written and cannot be read. */
  readonly damaged: readonly string[];
}

/** Reads everything that is known of a model. Damage is reported, never thrown: the box has to run something. */
export async function readSnapshot(files: FileSystem, root: string, name: string): Promise<StoreSnapshot> {
  const layout = new StoreLayout(root, name);
  const damaged: string[] = [];
  const read = async <T>(path: string, schema: Parameters<typeof readRecord<T>>[2]): Promise<T | undefined> => {
    const found = await readRecord(files, path, schema);
    if (found.lack === 'damaged') damaged.push(path);
    return found.record;
  };
  const slots = { A: await read(layout.state('A'), slotRecord), B: await read(layout.state('B'), slotRecord) };
  for (const slot of SLOTS) if (slots[slot] !== undefined && slots[slot].slot !== slot) slots[slot] = undefined;
  const current = await read(layout.current, currentRecord);
  const bad = (await read(layout.bad, badRecord)) ?? { models: [] };
  const copies = [await read(layout.jobs[0], jobsRecord), await read(layout.jobs[1], jobsRecord)];
  return { layout, slots, current, bad, jobs: newestJobs(copies), damaged };
}

/**
 * Places in the order in which they deserve to run: the current one where it is good, then the good slots, newest first, then the
 * package that came with the software. A slot on trial is never among them: the trial runs beside.
 */
export function preferredPlaces({ slots, current }: StoreSnapshot): Place[] {
  const good = SLOTS.filter((slot) => slots[slot]?.condition === 'good').sort(
    (a, b) => (slots[b]?.generation ?? 0) - (slots[a]?.generation ?? 0),
  );
  const pointed = current?.place;
  // A slot whose record is damaged is known by what the pointer says: it is written only once the record said `good`.
  const runs = (place: Place): boolean =>
    place === 'factory' || good.includes(place) || (slots[place] === undefined && current?.digest !== undefined);
  const first = pointed !== undefined && runs(pointed) ? [pointed] : [];
  return [...new Set<Place>([...first, ...good, 'factory'])];
}

/** What the package at a place must be; undefined where only its own manifest says so. */
export const digestAt = ({ slots, current }: StoreSnapshot, place: Place): string | undefined =>
  place === 'factory' ? undefined : (slots[place]?.model?.digest ?? current?.digest);

/** The slot that may be written to: neither the one that runs nor, where it can be helped, the last good one. */
export function spareSlot(snapshot: StoreSnapshot): Slot {
  const [running] = preferredPlaces(snapshot);
  if (running === 'A' || running === 'B') return otherSlot(running);
  // The factory package runs: the slot that holds least of use.
  const worth = (slot: Slot): number => {
    const condition = snapshot.slots[slot]?.condition ?? 'empty';
    return condition === 'good' ? 2 : condition === 'empty' ? 0 : 1;
  };
  return worth('A') <= worth('B') ? 'A' : 'B';
}
