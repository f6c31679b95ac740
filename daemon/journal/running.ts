import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalEntry } from '../../contract/messenger.ts';
import type { Backlog } from '../../contract/mqtt/backlog.ts';
import { messageOf } from '../../core/errors.ts';
import { diskFiles } from '../../core/file-system.ts';
import type { Log } from '../../core/log.ts';
import { Journal, type JournalOptions, type JournalStatus } from './journal.ts';
import { lockFile } from './lock.ts';
import { MessageReader } from './reader.ts';
import { Uploader } from './uploader.ts';

/** What waits is written together, at most so often: each time costs a flush and the file system's own journal. */
const COMMIT_MS = 1000;
/** Between attempts to open a journal that another process holds, or whose folder cannot be written. */
const OPEN_AGAIN_MS = 10_000;

interface RunningJournalOptions extends Pick<JournalOptions, 'box' | 'retention' | 'gapEntry'> {
  readonly log: Log;
  /** It was opened, or something was written. */
  readonly onWritten: () => void;
}

/**
 * A journal in a folder of this machine, at work: written every second, delivered by a connection that carries its backlog. What the
 * disk does not take waits in memory; nothing here throws.
 */
export class RunningJournal {
  readonly #folder: string;
  readonly #log: Log;
  readonly #onWritten: () => void;
  readonly #journal: Journal;
  readonly #uploader: Uploader;
  #unlock: (() => void) | undefined;
  #opened = false;
  #opening: string | undefined = 'it is being opened';
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();
  #closed = false;
  #said: string | undefined;
  #unproved = '';

  constructor(folder: string, { log, onWritten, ...options }: RunningJournalOptions) {
    this.#folder = folder;
    this.#log = log;
    this.#onWritten = onWritten;
    this.#journal = new Journal(diskFiles, folder, options);
    const reader = new MessageReader(diskFiles, folder, this.#journal);
    this.#uploader = new Uploader({
      read: async () => (this.#opened ? await reader.read() : []),
      settled: (journalSeq, ordinal) => this.#journal.acknowledge(journalSeq, ordinal),
      failed: (cause) => log.error({ err: cause, folder }, 'the journal cannot be read'),
    });
  }

  get backlog(): Backlog {
    return this.#uploader;
  }

  /** The last message that is on the disk; undefined before the journal is open. */
  get tip(): Journal['tip'] | undefined {
    return this.#opened ? this.#journal.tip : undefined;
  }

  status(): JournalStatus {
    const status = this.#journal.status();
    return { ...status, failing: this.#opening ?? status.failing };
  }

  append(entry: JournalEntry): void {
    this.#journal.append(entry);
  }

  start(): void {
    this.#turn();
  }

  /** Writes what waits, and gives the folder back. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#work;
    if (this.#opened) await this.#journal.close().catch((cause: unknown) => this.#failed(cause));
    this.#unlock?.();
  }

  #turn(): void {
    this.#work = this.#act().catch((cause: unknown) => this.#failed(cause));
    void this.#work.then(() => {
      if (!this.#closed) this.#timer = setTimeout(() => this.#turn(), this.#opened ? COMMIT_MS : OPEN_AGAIN_MS);
    });
  }

  async #act(): Promise<void> {
    if (!this.#opened) await this.#open();
    else if (await this.#journal.commit()) {
      this.#uploader.wake();
      this.#onWritten();
    }
    this.#look();
  }

  async #open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o750 });
    this.#unlock ??= lockFile(join(this.#folder, 'lock'));
    if (this.#unlock === undefined) throw new Error('another process writes it');
    await this.#journal.open();
    this.#opened = true;
    this.#opening = undefined;
    this.#log.info({ folder: this.#folder, depth: this.#journal.status().depth }, 'journal opened');
    this.#uploader.wake();
    this.#onWritten();
  }

  #failed(cause: unknown): void {
    this.#opening = this.#opened ? undefined : messageOf(cause);
    this.#look();
  }

  /** A change of what is wrong is said once. */
  #look(): void {
    const { failing, depth } = this.status();
    if (failing !== this.#said) {
      if (failing === undefined) this.#log.info({ folder: this.#folder }, 'the journal is written again');
      else
        this.#log.error(
          { folder: this.#folder, reason: failing, depth, hint: 'messages wait in memory, as far as that goes' },
          'the journal cannot be written',
        );
      this.#said = failing;
    }
    const unproved = this.#uploader.unproved.join(', ');
    if (unproved !== '' && unproved !== this.#unproved)
      this.#log.warn(
        { topics: unproved, hint: 'let the box read its own topics' },
        'whether the broker lets journalled messages through is not known: under MQTT 3.1.1 it confirms what it discards',
      );
    this.#unproved = unproved;
  }
}
