import { WaysideError } from '../../core/errors.ts';
import { type FileSystem, replaceFile } from '../../core/file-system.ts';
import type { Digest } from '../../core/hash.ts';
import { encodeRecord } from '../../core/record.ts';
import type { Manifest } from '../../inference/manifest.ts';
import type { Garbage } from './garbage.ts';
import { JobBook } from './job-book.ts';
import { type Place, SLOTS, type Slot, StoreLayout } from './layout.ts';
import { makeFolders, removeTemporaries, requireFormat } from './opening.ts';
import type { Condition, CurrentRecord, SlotRecord } from './records.ts';
import { digestAt, preferredPlaces, readSnapshot, type StoreSnapshot, spareSlot } from './snapshot.ts';
import { verifyPackage } from './verify-package.ts';

interface ModelIdentity {
  readonly name: string;
  readonly version: string;
  readonly digest: Digest;
}

/** What runs, or should. */
interface RunnablePackage {
  readonly place: Place;
  readonly dir: string;
  readonly manifest: Manifest;
}

/** Trials of one package that may be cut off before it has to wait for a new job. */
const MOST_INTERRUPTED = 5;
/** A box that tries a hundred bad models has other worries. */
const MOST_BAD = 100;

/**
 * The models of one name on the disk of a box, and the only one who writes them.
 *
 * Invariants, whatever the power does:
 * - a record says `verified`, `trial` or `good` only of a package whose every byte was flushed and read back before;
 * - what runs is never written to: a new package goes to the slot that neither runs nor is the last good one beside it;
 * - `current.json` names a slot only after its record says `good`, and a record stops saying so only before another place runs;
 * - every change is one record replaced by one rename; none depends on two being replaced together.
 */
export class ModelStore {
  readonly #files: FileSystem;
  readonly #now: () => Date;
  readonly name: string;
  readonly layout: StoreLayout;
  readonly jobs: JobBook;

  constructor(files: FileSystem, root: string, name: string, now: () => Date = () => new Date()) {
    this.#files = files;
    this.#now = now;
    this.name = name;
    this.layout = new StoreLayout(root, name);
    this.jobs = new JobBook(files, this.layout);
  }

  /**
   * Makes the folders, and puts in order what a cut left: unfinished writing is thrown away, a trial that was cut off starts again (or
   * waits for a new job after five times), temporary files go.
   *
   * @throws {WaysideError} STORE_FORMAT for a store that newer software wrote
   */
  async open(): Promise<StoreSnapshot> {
    await makeFolders(this.#files, this.layout);
    // The first time this writes a file, and flushes the root with it.
    await requireFormat(this.#files, this.layout);
    await removeTemporaries(this.#files, this.layout);
    const snapshot = await this.snapshot();
    for (const slot of SLOTS) await this.#recover(slot, snapshot);
    return this.snapshot();
  }

  snapshot(): Promise<StoreSnapshot> {
    return readSnapshot(this.#files, this.layout.root, this.name);
  }

  /** The first place, in order of preference, whose package is whole. Undefined only where not even the factory package is. */
  async runnable(): Promise<RunnablePackage | undefined> {
    return firstWhole(this.#files, await this.snapshot());
  }

  /**
   * Makes room for a package: the spare slot is emptied and marked as being written.
   *
   * @returns the slot; its folder is empty and its name is on the disk
   */
  async beginWriting(model: ModelIdentity, job: number): Promise<{ readonly slot: Slot; readonly dir: string }> {
    const snapshot = await this.snapshot();
    const slot = spareSlot(snapshot);
    await this.#record(slot, { condition: 'writing', model, job, interrupted: 0 });
    const dir = this.layout.package(slot);
    await this.#files.removeFolder(dir);
    await this.#files.makeFolder(dir);
    await this.#files.syncFolder(this.layout.slots);
    return { slot, dir };
  }

  /**
   * What was written is complete: it is read back from the disk before the record says so.
   *
   * @throws {WaysideError} PACKAGE_INVALID; the slot is empty then
   */
  async finishWriting(slot: Slot): Promise<Manifest> {
    const record = await this.#require(slot, 'writing');
    try {
      const manifest = await verifyPackage(this.#files, this.layout.package(slot), record.model?.digest);
      await this.#change(slot, record, { condition: 'verified' });
      return manifest;
    } catch (cause) {
      await this.discard(slot);
      throw cause;
    }
  }

  /** @param job that asks for it; by default the one that brought the package */
  async beginTrial(slot: Slot, job?: number): Promise<void> {
    const record = await this.#require(slot, 'verified', 'retired');
    await this.#change(slot, record, { condition: 'trial', job: job ?? record.job });
  }

  /** The daemon went away over a trial: the trial starts again, or waits for a new job after five times. */
  async interruptTrial(slot: Slot): Promise<void> {
    await this.#interrupt(slot, await this.#require(slot, 'trial'));
  }

  /** What lies there already is what another job asks for: nothing has to be fetched. */
  async claim(slot: Slot, job: number): Promise<void> {
    await this.#change(slot, await this.#require(slot, 'verified', 'retired', 'good'), { job, interrupted: 0 });
  }

  /** It earned its place: from now on it runs. */
  async promote(slot: Slot): Promise<void> {
    const record = await this.#require(slot, 'trial', 'verified', 'retired', 'good');
    if (record.condition !== 'good') await this.#change(slot, record, { condition: 'good' });
    await this.#point(slot, record.model?.digest);
  }

  /** It failed: its digest is remembered, so that no later job tries it again. */
  async reject(slot: Slot, reason: string): Promise<void> {
    const record = await this.#require(slot, 'trial', 'verified', 'good');
    if (record.model !== undefined) await this.#remember(record.model, reason);
    await this.#change(slot, record, { condition: 'bad', reason });
    await this.#settle();
  }

  /**
   * What does not load was perhaps damaged on this disk since it was verified: then it is not held to be bad, and its slot is emptied.
   *
   * @throws {WaysideError} PACKAGE_INVALID, FILE_NOT_FOUND; the slot is empty then
   */
  async requireWhole(slot: Slot): Promise<void> {
    const record = await this.#require(slot, 'trial', 'verified', 'good');
    try {
      await verifyPackage(this.#files, this.layout.package(slot), record.model?.digest);
    } catch (cause) {
      await this.discard(slot);
      await this.#settle();
      throw cause;
    }
  }

  /** It goes back to waiting: nothing is held against it. */
  async stopTrial(slot: Slot, reason: string): Promise<void> {
    await this.#change(slot, await this.#require(slot, 'trial'), { condition: 'verified', reason });
  }

  /**
   * Takes back what runs, for the good package before it or the factory's.
   *
   * @returns the place that runs now
   * @throws {WaysideError} STORE_NOTHING_TO_ROLL_BACK where the factory package runs already
   */
  async rollBack(reason: string): Promise<Place> {
    const snapshot = await this.snapshot();
    const [running] = preferredPlaces(snapshot);
    const record = running === undefined || running === 'factory' ? undefined : snapshot.slots[running];
    if (record === undefined || running === undefined || running === 'factory') {
      throw new WaysideError('STORE_NOTHING_TO_ROLL_BACK', {
        message: `${this.name}: the package that came with the software runs already`,
        hint: 'only a package that was installed later can be taken back',
      });
    }
    await this.#change(running, record, { condition: 'retired', reason });
    return this.#settle();
  }

  /** Empties a slot that does not run. */
  async discard(slot: Slot): Promise<void> {
    await this.#record(slot, { condition: 'empty', job: 0, interrupted: 0 });
    await this.#files.removeFolder(this.layout.package(slot));
    await this.#files.syncFolder(this.layout.slots);
  }

  /** Removes what nobody will ask for again: see `garbageOf`. */
  async collectGarbage(garbage: Garbage): Promise<void> {
    for (const path of garbage.downloads) await this.#files.remove(path);
    if (garbage.downloads.length > 0) await this.#files.syncFolder(this.layout.downloads);
    for (const slot of garbage.slots) await this.discard(slot);
  }

  async #remember(
    { digest, version }: ModelIdentity | NonNullable<SlotRecord['model']>,
    reason: string,
  ): Promise<void> {
    const { bad } = await this.snapshot();
    if (bad.models.some((model) => model.digest === digest)) return;
    const models = [...bad.models, { digest, version, reason, at: this.#now().toISOString() }].slice(-MOST_BAD);
    await replaceFile(this.#files, this.layout.bad, encodeRecord({ models }));
  }

  /** Points to what is preferred now that a record has changed. */
  async #settle(): Promise<Place> {
    const snapshot = await this.snapshot();
    const [place = 'factory'] = preferredPlaces(snapshot);
    if (snapshot.current?.place !== place) {
      await this.#point(place, place === 'factory' ? undefined : snapshot.slots[place]?.model?.digest);
    }
    return place;
  }

  async #point(place: Place, digest: CurrentRecord['digest']): Promise<void> {
    const record = { place, at: this.#now().toISOString(), ...(digest === undefined ? {} : { digest }) };
    await replaceFile(this.#files, this.layout.current, encodeRecord(record));
  }

  async #recover(slot: Slot, snapshot: StoreSnapshot): Promise<void> {
    const record = snapshot.slots[slot];
    if (record === undefined && (await this.#restore(slot, snapshot))) return;
    if (record === undefined || record.condition === 'empty') {
      if ((await this.#files.list(this.layout.slots)).includes(slot)) await this.discard(slot);
    } else if (record.condition === 'writing') {
      await this.discard(slot);
    } else if (record.condition === 'trial') {
      await this.#interrupt(slot, record);
    }
  }

  /** A package that takes the box down with it must not be tried for ever; one that the power cut off is not bad for that. */
  #interrupt(slot: Slot, record: SlotRecord): Promise<void> {
    const interrupted = record.interrupted + 1;
    return interrupted > MOST_INTERRUPTED
      ? this.#change(slot, record, { condition: 'verified', reason: 'TRIAL_INTERRUPTED', interrupted: 0 })
      : this.#change(slot, record, { condition: 'trial', interrupted });
  }

  /** A slot that runs and whose record is damaged: the pointer still says which package it is. */
  async #restore(slot: Slot, snapshot: StoreSnapshot): Promise<boolean> {
    const digest = snapshot.current?.place === slot ? snapshot.current.digest : undefined;
    if (digest === undefined) return false;
    try {
      const { name, version } = await verifyPackage(this.#files, this.layout.package(slot), digest);
      await this.#record(slot, { condition: 'good', model: { name, version, digest }, job: 0, interrupted: 0 });
      return true;
    } catch (cause) {
      if (cause instanceof WaysideError && cause.code === 'PACKAGE_INVALID') return false;
      throw cause;
    }
  }

  async #require(slot: Slot, ...conditions: readonly Condition[]): Promise<SlotRecord> {
    const record = (await this.snapshot()).slots[slot];
    if (record !== undefined && conditions.includes(record.condition)) return record;
    throw new WaysideError('STORE_STATE', {
      message: `${this.name}, slot ${slot}: expected ${conditions.join(' or ')}, is ${record?.condition ?? 'unknown'}`,
      hint: 'see `wayside store status`',
    });
  }

  #change(
    slot: Slot,
    record: SlotRecord,
    change: Partial<Pick<SlotRecord, 'condition' | 'reason' | 'interrupted' | 'job'>>,
  ): Promise<void> {
    const { condition, model, job, interrupted } = { ...record, ...change };
    const kept = model === undefined ? {} : { model };
    const reason = change.reason === undefined ? {} : { reason: change.reason };
    return this.#record(slot, { condition, job, interrupted, ...kept, ...reason });
  }

  async #record(slot: Slot, record: Omit<SlotRecord, 'slot' | 'generation' | 'at'>): Promise<void> {
    const { slots } = await this.snapshot();
    const generation = Math.max(...SLOTS.map((one) => slots[one]?.generation ?? 0)) + 1;
    const whole: SlotRecord = { slot, generation, at: this.#now().toISOString(), ...record };
    await replaceFile(this.#files, this.layout.state(slot), encodeRecord(whole));
  }
}

/** The first place whose package is whole; what a damaged record says of its digest is not asked. */
async function firstWhole(files: FileSystem, snapshot: StoreSnapshot): Promise<RunnablePackage | undefined> {
  for (const place of preferredPlaces(snapshot)) {
    const dir = snapshot.layout.package(place);
    try {
      return { place, dir, manifest: await verifyPackage(files, dir, digestAt(snapshot, place)) };
    } catch (cause) {
      if (!(cause instanceof WaysideError)) throw cause;
    }
  }
  return undefined;
}
