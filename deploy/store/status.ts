import { join } from 'node:path';
import { isSystemError, messageOf, WaysideError } from '../../core/errors.ts';
import { diskFiles, type FileSystem } from '../../core/file-system.ts';
import { type Place, SLOTS } from './layout.ts';
import { digestAt, preferredPlaces, readSnapshot, type StoreSnapshot } from './snapshot.ts';
import { verifyPackage } from './verify-package.ts';

export interface PlaceStatus {
  readonly place: Place;
  readonly condition: string;
  readonly version: string | null;
  readonly digest: string | null;
  readonly reason: string | null;
  readonly runs: boolean;
  /** What is wrong with the package; null where it is whole, or where there is none. */
  readonly problem: string | null;
}

export interface ModelStatus {
  readonly name: string;
  readonly places: readonly PlaceStatus[];
  readonly jobs: StoreSnapshot['jobs'];
  readonly bad: StoreSnapshot['bad']['models'];
  /** Records that were written and cannot be read. */
  readonly damaged: readonly string[];
}

async function namesIn(files: FileSystem, folder: string): Promise<readonly string[]> {
  try {
    return await files.list(folder);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return [];
    throw cause;
  }
}

/** @throws {WaysideError} FILE_NOT_FOUND where there is no such folder: that is not an empty store */
export async function requireStore(root: string, files = diskFiles): Promise<void> {
  try {
    await files.list(root);
  } catch (cause) {
    throw new WaysideError('FILE_NOT_FOUND', {
      message: `cannot read the store ${root}: ${messageOf(cause)}`,
      hint: 'name it with --store; the agent, or `wayside store import`, makes it',
      cause,
    });
  }
}

/** Names of the models that a store has anything of. */
export async function modelsIn(root: string, files = diskFiles): Promise<readonly string[]> {
  const found = [...(await namesIn(files, join(root, 'models'))), ...(await namesIn(files, join(root, 'factory')))];
  return [...new Set(found)].sort((a, b) => (a < b ? -1 : 1));
}

/** Names of those that have slots: what else came with the software alone has nothing that could be taken back. */
export const modelsWithSlots = (root: string, files = diskFiles): Promise<readonly string[]> =>
  namesIn(files, join(root, 'models'));

/** What the store says of a model, every byte of its packages checked. Damage is said, never thrown. */
export async function modelStatus(root: string, name: string, files = diskFiles): Promise<ModelStatus> {
  const snapshot = await readSnapshot(files, root, name);
  const { layout, slots, jobs, bad, damaged } = snapshot;
  const preferred = preferredPlaces(snapshot);
  const found: Omit<PlaceStatus, 'runs'>[] = [];
  for (const place of [...SLOTS, 'factory'] as const) {
    const record = place === 'factory' ? undefined : slots[place];
    const condition = record?.condition ?? (preferred.includes(place) ? 'good' : 'empty');
    if (condition === 'empty' || condition === 'writing') {
      found.push({ place, condition, version: null, digest: null, reason: null, problem: null });
      continue;
    }
    const says = { version: record?.model?.version ?? null, digest: record?.model?.digest ?? null };
    const rest = { place, condition, reason: record?.reason ?? null };
    try {
      const { version } = await verifyPackage(files, layout.package(place), digestAt(snapshot, place));
      found.push({ ...says, ...rest, version, problem: null });
    } catch (cause) {
      found.push({ ...says, ...rest, problem: messageOf(cause) });
    }
  }
  const runs = preferred.find((place) => found.some((each) => each.place === place && each.problem === null));
  return {
    name,
    places: found.map((each) => ({ ...each, runs: each.place === runs })),
    jobs,
    bad: bad.models,
    damaged,
  };
}
