import { join } from 'node:path';
import type { FileSystem } from '../../core/file-system.ts';
import { SLOTS, type Slot } from './layout.ts';
import { preferredPlaces, type StoreSnapshot, spareSlot } from './snapshot.ts';

/** What may go without anyone missing it. */
export interface Garbage {
  /** Paths of bundles, whole or begun. */
  readonly downloads: readonly string[];
  /** Slots whose package is of no use. */
  readonly slots: readonly Slot[];
}

export const isEmpty = ({ downloads, slots }: Garbage): boolean => downloads.length === 0 && slots.length === 0;

/**
 * Bundles that nobody waits for, and packages that failed.
 *
 * @param keeps what the name of a download that is still wanted holds: the digest of its bundle
 * @param need true where room is needed: then the slot that the next package goes to is emptied before it is there
 */
export async function garbageOf(
  files: FileSystem,
  snapshot: StoreSnapshot,
  { keeps, need = false }: { readonly keeps: string | undefined; readonly need?: boolean },
): Promise<Garbage> {
  const { layout, slots } = snapshot;
  const downloads = (await files.list(layout.downloads))
    .filter((name) => keeps === undefined || !name.includes(keeps))
    .map((name) => join(layout.downloads, name));
  const running = preferredPlaces(snapshot)[0];
  const spare = spareSlot(snapshot);
  const useless = (slot: Slot): boolean => {
    const condition = slots[slot]?.condition;
    if (slot === running || condition === undefined || condition === 'empty' || condition === 'writing') return false;
    return condition === 'bad' || (need && slot === spare && condition !== 'trial');
  };
  return { downloads, slots: SLOTS.filter(useless) };
}
