import { join, resolve } from 'node:path';
import type { Log } from '../../core/log.ts';
import type { LoadedConfig } from '../config/load.ts';
import { checkpointOf } from '../journal/checkpoint.ts';
import type { Gap } from '../journal/gap.ts';
import { retentionOf } from '../journal/retention.ts';
import { RunningJournal } from '../journal/running.ts';
import type { Uplink } from '../uplink.ts';
import type { DaemonView, Feature } from './feature.ts';

/** How much of a journal a checkpoint may be behind. */
const CHECKPOINT_MS = 60_000;

/** Where a configuration has the journal: systemd names the state folder of a unit (systemd.exec(5)), several with colons between. */
function journalFolder(
  { config, folder }: Pick<LoadedConfig, 'config' | 'folder'>,
  environment = process.env,
): string | undefined {
  const { folder: named } = config.journal;
  if (named !== undefined) return resolve(folder, named);
  const state = environment['STATE_DIRECTORY']?.split(':')[0];
  return state === undefined || state === '' ? undefined : join(state, 'journal');
}

/** Keeps what must not be lost, and says how far that has come. A change of its settings holds from the next start on. */
export class JournalReport implements Feature {
  readonly #daemon: DaemonView;
  readonly #uplink: Uplink;
  readonly #log: Log;
  #journal: RunningJournal | undefined;
  /** Head of the chain that was published, and when, ms of `performance.now()`. */
  #published = { head: '', at: Number.NEGATIVE_INFINITY };

  constructor(daemon: DaemonView, uplink: Uplink, log: Log) {
    this.#daemon = daemon;
    this.#uplink = uplink;
    this.#log = log;
  }

  start(signal: AbortSignal): void {
    const { loaded } = this.#daemon.present;
    const folder = journalFolder(loaded);
    if (folder === undefined) {
      this.#log.info('no journal is kept: systemd gives no state folder, and `journal.folder` names none');
      return;
    }
    const { site, box, journal } = loaded.config;
    this.#journal = new RunningJournal(folder, {
      box: `${site}/${box}`,
      retention: retentionOf(journal.quotaMb * 1_000_000, journal.keepDays),
      gapEntry: (gap) => this.#uplink.entry('journal-gap', gapBody(gap), { capturedAt: gap.until }),
      log: this.#log,
      onWritten: () => this.#look(),
    });
    this.#uplink.keepIn(this.#journal);
    this.#journal.start();
    this.#daemon.on('tick', () => this.#look(), signal);
    this.#daemon.on('moved', () => this.#publish(), signal);
  }

  #look(): void {
    const { head, at } = this.#published;
    const tip = this.#journal?.tip;
    if (tip === undefined || tip.head === head || performance.now() - at < CHECKPOINT_MS) return;
    this.#publish();
  }

  /** What is made at a later connection says how far the journal is then. */
  #publish(): void {
    const journal = this.#journal;
    if (journal?.tip === undefined) return;
    this.#published = { head: journal.tip.head, at: performance.now() };
    this.#uplink.retain('journal-checkpoint', () => {
      const { config, secrets } = this.#daemon.present.loaded;
      const tip = journal.tip ?? { journalSeq: 0, head: '0'.repeat(64) };
      return checkpointOf(`${config.site}/${config.box}`, tip, secrets.identity?.key);
    });
  }
}

const gapBody = ({ since, until, ...gap }: Gap) => ({
  ...gap,
  since: since === null ? null : new Date(since).toISOString(),
  until: new Date(until).toISOString(),
});
