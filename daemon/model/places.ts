import { realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { diskFiles } from '../../core/file-system.ts';
import { type Place, SLOTS, type Slot, StoreLayout } from '../../deploy/store/layout.ts';
import { digestAt, preferredPlaces, readSnapshot } from '../../deploy/store/snapshot.ts';
import type { Config } from '../config/schema.ts';

/** What a configuration says of its model, and where its relative paths start. */
export interface ModelSettings {
  readonly config: Pick<Config, 'model'>;
  readonly folder: string;
}

/** Where a package may lie that this box can run. */
export interface ModelPlace {
  readonly dir: string;
  /** As a person would say it. */
  readonly name: string;
  /** What the package there must be, where that is known. */
  readonly digest?: string;
}

const nameOf = (place: Place): string => (place === 'factory' ? 'the factory package' : `slot ${place}`);

/** The store that a configuration names; undefined where it names a package. */
export function storeOf({ config: { model }, folder }: ModelSettings): StoreLayout | undefined {
  const { store, name } = model;
  return store === undefined || name === undefined ? undefined : new StoreLayout(resolve(folder, store), name);
}

/**
 * Packages that may run, in the order in which they deserve to: what a store prefers, or the package that the configuration names.
 * Behind the latter comes the one of the same name in a folder `factory` beside it, where there is one.
 */
export async function modelPlaces(loaded: ModelSettings): Promise<readonly ModelPlace[]> {
  const { store, name, package: named } = loaded.config.model;
  if (named !== undefined) {
    const dir = resolve(loaded.folder, named);
    const factory = join(dirname(dir), 'factory', basename(dir));
    const there = (await diskFiles.size(factory)) !== undefined;
    return [{ dir, name: 'model.package' }, ...(there ? [{ dir: factory, name: nameOf('factory') }] : [])];
  }
  if (store === undefined || name === undefined) return [];
  const snapshot = await readSnapshot(diskFiles, resolve(loaded.folder, store), name);
  return preferredPlaces(snapshot).map((place) => {
    const digest = digestAt(snapshot, place);
    return { dir: snapshot.layout.package(place), name: nameOf(place), ...(digest === undefined ? {} : { digest }) };
  });
}

/**
 * The slot of a store that a folder is: links on the way below the store's root, and any other folder, are none.
 *
 * @returns undefined where it is no slot, or is not there
 */
export async function slotAt(layout: StoreLayout, dir: string): Promise<Slot | undefined> {
  try {
    const [root, real] = [await realpath(layout.root), await realpath(dir)];
    return SLOTS.find((slot) => real === layout.package(slot).replace(layout.root, () => root));
  } catch {
    return undefined; // neither a folder nor a slot
  }
}
