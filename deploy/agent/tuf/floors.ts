import { join } from 'node:path';
import type { Metadata, Root, Snapshot, Timestamp } from '@tufjs/models';
import { z } from 'zod';
import { isSystemError, WaysideError } from '../../../core/errors.ts';
import { type FileSystem, replaceFile } from '../../../core/file-system.ts';
import { decodeRecord, encodeRecord } from '../../../core/record.ts';
import { requireThreshold, roleOfRoot, type SigningRole } from './signers.ts';

/**
 * The versions and the time below which the box never goes again, kept apart from the metadata and twice: with timestamp and
 * snapshot emptied, tuf-js takes a signed older version as if it were the first it sees.
 *
 * A floor holds while the keys that signed it still make the threshold of its role. Once root has replaced them it falls, which
 * is how a repository recovers from a thief who signed versions near the highest number (TUF 1.0.34, 5.3.11). The root's own
 * floor never falls.
 */
const floorsSchema = z.object({
  generation: z.int().min(0),
  /** Latest moment, ms since 1970, at which everything was unexpired: a clock behind it is wrong. */
  time: z.number().min(0),
  root: z.int().min(0),
  timestamp: z.object({ version: z.int(), snapshot: z.int(), signers: z.array(z.string()) }).optional(),
  snapshot: z
    .object({ version: z.int(), targets: z.record(z.string(), z.int()), signers: z.array(z.string()) })
    .optional(),
});

export type Floors = z.infer<typeof floorsSchema>;

/** Of a box that has seen nothing yet. */
export const NO_FLOORS: Floors = { generation: 0, time: 0, root: 0 };

const COPIES = ['floors.1', 'floors.2'] as const;

async function readCopy(files: FileSystem, path: string): Promise<Floors | 'absent' | 'damaged'> {
  try {
    return decodeRecord(await files.read(path), floorsSchema) ?? 'damaged';
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return 'absent';
    return 'damaged';
  }
}

/**
 * The later of the two copies that is whole.
 *
 * @throws {WaysideError} UPDATE_STATE_LOST when there were floors and no copy can be read: a power cut damages one at most
 */
export async function readFloors(files: FileSystem, folder: string): Promise<Floors> {
  const copies = await Promise.all(COPIES.map((name) => readCopy(files, join(folder, name))));
  const whole = copies.filter((copy) => typeof copy === 'object').sort((a, b) => b.generation - a.generation);
  const [latest] = whole;
  if (latest !== undefined) return latest;
  if (copies.every((copy) => copy === 'absent')) return NO_FLOORS;
  throw new WaysideError('UPDATE_STATE_LOST', {
    message: `both copies of the versions seen are damaged: ${COPIES.map((name) => join(folder, name)).join(', ')}`,
    hint: 'if the box may take the repository as new, remove both; until the next update it then accepts older signed versions',
  });
}

/**
 * Writes both copies, one after the other: there is always a whole one. Writes nothing when nothing changed.
 *
 * @returns what is written now
 */
export async function writeFloors(files: FileSystem, folder: string, before: Floors, after: Floors): Promise<Floors> {
  if (before.generation > 0 && JSON.stringify(after) === JSON.stringify(before)) return before;
  const next = { ...after, generation: before.generation + 1 };
  for (const name of COPIES) await replaceFile(files, join(folder, name), encodeRecord(next));
  return next;
}

const below = (what: string, found: number, floor: number): WaysideError =>
  new WaysideError('UPDATE_REFUSED', { message: `${what} is version ${found}; version ${floor} was seen already` });

/** Whether those who signed a floor could sign today. */
const holds = ({ keyIds, threshold }: SigningRole, signers: readonly string[]): boolean =>
  signers.filter((id) => keyIds.includes(id)).length >= threshold;

export const raiseRoot = (floors: Floors, root: Metadata<Root>): Floors => ({
  ...floors,
  root: Math.max(floors.root, root.signed.version),
});

/** @throws {WaysideError} UPDATE_REFUSED for a root older than one that was trusted: later roots are withheld */
export function checkRoot(floors: Floors, root: Metadata<Root>): void {
  if (root.signed.version < floors.root) throw below('root', root.signed.version, floors.root);
}

/** @throws {WaysideError} UPDATE_REFUSED below the floor */
export function raiseTimestamp(floors: Floors, root: Metadata<Root>, timestamp: Metadata<Timestamp>): Floors {
  const role = roleOfRoot(root, 'timestamp');
  const { version, snapshotMeta } = timestamp.signed;
  const signers = requireThreshold(role, 'timestamp', timestamp);
  const floor = floors.timestamp;
  if (floor !== undefined && holds(role, floor.signers)) {
    if (version < floor.version) throw below('timestamp', version, floor.version);
    if (snapshotMeta.version < floor.snapshot) throw below('snapshot', snapshotMeta.version, floor.snapshot);
    if (version === floor.version) return floors;
  }
  return { ...floors, timestamp: { version, snapshot: snapshotMeta.version, signers: [...signers] } };
}

/** @throws {WaysideError} UPDATE_REFUSED when it, or a role that it lists, is below the floor, or a role has gone */
export function raiseSnapshot(floors: Floors, root: Metadata<Root>, snapshot: Metadata<Snapshot>): Floors {
  const role = roleOfRoot(root, 'snapshot');
  const { version, meta } = snapshot.signed;
  const signers = requireThreshold(role, 'snapshot', snapshot);
  const floor = floors.snapshot;
  if (floor !== undefined && holds(role, floor.signers)) {
    if (version < floor.version) throw below('snapshot', version, floor.version);
    for (const [name, seen] of Object.entries(floor.targets)) {
      const found = meta[name]?.version;
      if (found === undefined)
        throw new WaysideError('UPDATE_REFUSED', { message: `snapshot no longer lists ${name}` });
      if (found < seen) throw below(name, found, seen);
    }
    if (version === floor.version) return floors;
  }
  const targets = Object.fromEntries(Object.entries(meta).map(([name, file]) => [name, file.version]));
  return { ...floors, snapshot: { version, targets, signers: [...signers] } };
}
