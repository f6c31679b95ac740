import { join } from 'node:path';

export const SLOTS = ['A', 'B'] as const;
export type Slot = (typeof SLOTS)[number];
/** Where a package lies: in a slot, or as it came with the software. */
export type Place = Slot | 'factory';

export const otherSlot = (slot: Slot): Slot => (slot === 'A' ? 'B' : 'A');

/** Written by this code, and the newest it reads. */
export const STORE_FORMAT = 1;

/**
 * Where everything of one model lies in the store:
 *
 * ```
 * store.json                  format of the store
 * factory/NAME/               package that came with the software; never written
 * models/NAME/
 *   slots/A/ slots/B/         packages
 *   state/A.json B.json       what is known of each, checksummed
 *   current.json              which of them runs, checksummed; replaced by one rename
 *   bad.json                  digests that failed a trial
 *   jobs.1.json jobs.2.json   highest job seen, kept twice
 * downloads/                  bundles on their way
 * ```
 */
export class StoreLayout {
  readonly root: string;
  readonly #model: string;
  readonly #name: string;

  /** @param name of the model; a name of a package, and so of one folder */
  constructor(root: string, name: string) {
    this.root = root;
    this.#name = name;
    this.#model = join(root, 'models', name);
  }

  get format(): string {
    return join(this.root, 'store.json');
  }

  get downloads(): string {
    return join(this.root, 'downloads');
  }

  get model(): string {
    return this.#model;
  }

  get states(): string {
    return join(this.#model, 'state');
  }

  get slots(): string {
    return join(this.#model, 'slots');
  }

  get current(): string {
    return join(this.#model, 'current.json');
  }

  get bad(): string {
    return join(this.#model, 'bad.json');
  }

  get jobs(): readonly [string, string] {
    return [join(this.#model, 'jobs.1.json'), join(this.#model, 'jobs.2.json')];
  }

  state(slot: Slot): string {
    return join(this.states, `${slot}.json`);
  }

  /** Folder of the package at a place. */
  package(place: Place): string {
    return place === 'factory' ? join(this.root, 'factory', this.#name) : join(this.slots, place);
  }
}
