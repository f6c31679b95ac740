import { dirname, join } from 'node:path';
import type { TargetFile } from '@tufjs/models';
import { messageOf, WaysideError } from '../../../core/errors.ts';
import { diskFiles, type FileSystem, replaceFile } from '../../../core/file-system.ts';
import { downloadTarget } from './download.ts';
import { metadataFetcher } from './fetcher.ts';
import {
  checkRoot,
  type Floors,
  NO_FLOORS,
  raiseRoot,
  raiseSnapshot,
  raiseTimestamp,
  readFloors,
  writeFloors,
} from './floors.ts';
import { fileNameOf, type HardenedUpdater, openUpdater } from './hardened-updater.ts';
import { type DownloadLimits, HttpClient } from './http.ts';
import { pathsUnder } from './listing.ts';
import type { Transport } from './transport.ts';
import { readFactoryRoot, readTrusted, versionOf } from './trusted-files.ts';

export interface TufClientOptions {
  /** Trusted metadata, one file a role, and the floors. Made where it is not there. */
  readonly folder: string;
  /** The root that the box was given when it was set up: read, never written. */
  readonly factoryRoot: string;
  readonly metadataUrl: string;
  /** @default `targets/` beside the folder of the metadata */
  readonly targetUrl?: string;
  readonly limits?: DownloadLimits;
  /** @default HTTP within the limits */
  readonly transport?: Transport;
  /** @default the disk */
  readonly files?: FileSystem;
  /** ms since 1970. @default the system's clock */
  readonly now?: () => number;
}

export interface Target {
  readonly path: string;
  readonly length: number;
  readonly hashes: Readonly<Record<string, string>>;
  /** What its signers say of it beside length and digests. */
  readonly custom: Readonly<Record<string, unknown>>;
}

/** As in the specification's own client; a box that was off for years still finds its way. */
const MOST_ROOTS = 256;
const MOST_DELEGATIONS = 32;

/**
 * One update session after TUF 1.0.34, chapter 5. Whatever it has verified is on the disk, whole, when a method returns or
 * throws; a power cut in between leaves a prefix of it, which the next session goes on from.
 *
 * A session judges everything as of one moment: the clock, or the latest moment that is known to have passed, whichever is
 * later. For a second look at the repository open another.
 */
export class TufClient {
  readonly #options: Required<Pick<TufClientOptions, 'folder' | 'files'>> & TufClientOptions;
  readonly #http: Transport;
  #session: { readonly updater: HardenedUpdater; readonly time: number } | undefined;
  #floors: Floors | undefined;
  #written: Floors = NO_FLOORS;
  /** Verified and not yet on the disk, in the order in which the specification persists them. */
  readonly #pending = new Map<string, Buffer>();
  /** What was thrown inside tuf-js, which may give on the text alone. */
  #thrown: unknown[] = [];

  constructor(options: TufClientOptions) {
    this.#options = { files: diskFiles, ...options };
    this.#http = options.transport ?? new HttpClient(options.limits);
  }

  /** Bytes of response bodies so far. */
  get received(): number {
    return this.#http.received;
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  /**
   * Brings root, timestamp, snapshot and targets up to date.
   *
   * @returns versions of the trusted roles
   * @throws {WaysideError} UPDATE_REFUSED, UPDATE_EXPIRED, UPDATE_STATE_LOST, DOWNLOAD_*, FILE_NOT_FOUND, FILE_WRITE_FAILED
   */
  async refresh({ signal }: { readonly signal?: AbortSignal } = {}): Promise<Readonly<Record<string, number>>> {
    const { updater, time } = await this.#open(signal);
    await this.#committing(async () => {
      await updater.refresh();
      const { root, timestamp, snapshot } = updater.trustedSet;
      checkRoot(this.#known, root);
      // What was loaded from the disk has to clear the floors as well: a copy may have been put back.
      if (timestamp !== undefined) this.#raise((floors) => raiseTimestamp(floors, root, timestamp));
      if (snapshot !== undefined) this.#raise((floors) => raiseSnapshot(floors, root, snapshot));
      this.#raise((floors) => ({ ...floors, time: Math.max(floors.time, time) }));
    });
    const { root, timestamp, snapshot } = updater.trustedSet;
    const targets = updater.trustedSet.getRole('targets');
    const roles = { root, timestamp, snapshot, targets };
    return Object.fromEntries(Object.entries(roles).map(([name, role]) => [name, role?.signed.version ?? 0]));
  }

  /**
   * What the repository says of a target, by the most trusted role that says anything. Refreshes where that was not done yet.
   *
   * @throws {WaysideError} TARGET_UNKNOWN, and those of `refresh`
   */
  async target(path: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Target> {
    return described(await this.#find(path, signal));
  }

  /**
   * Every target whose path begins so, as `target` gives it: of `targets`, and of the roles that may sign for whatever lies there.
   *
   * @throws {WaysideError} those of `refresh`
   */
  async targetsUnder(prefix: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<readonly Target[]> {
    const { updater } = await this.#open(signal);
    if (updater.trustedSet.getRole('targets') === undefined) await this.refresh(signal === undefined ? {} : { signal });
    await this.#committing(() => updater.loadUnder(prefix));
    const found: Target[] = [];
    for (const path of pathsUnder(prefix, updater.trustedSet)) {
      const target = await this.#committing(() => updater.getTargetInfo(path));
      if (target !== undefined) found.push(described(target));
    }
    return found;
  }

  /**
   * Fetches a target into a file, going on from an earlier attempt. A file that is there and is the target stays as it is.
   *
   * @throws {WaysideError} TARGET_UNKNOWN, UPDATE_REFUSED, DOWNLOAD_*, FILE_WRITE_FAILED, and those of `refresh`
   */
  async download(
    path: string,
    file: string,
    {
      signal,
      onProgress,
    }: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
  ): Promise<Target> {
    const target = await this.#find(path, signal);
    const { updater } = await this.#open(signal);
    const { metadataUrl, targetUrl = new URL('../targets/', slashed(metadataUrl)).href, files } = this.#options;
    await downloadTarget(target, file, {
      files,
      http: this.#http,
      baseUrl: targetUrl,
      consistentSnapshot: updater.trustedSet.root.signed.consistentSnapshot,
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    });
    return described(target);
  }

  async #find(path: string, signal: AbortSignal | undefined): Promise<TargetFile> {
    const { updater } = await this.#open(signal);
    if (updater.trustedSet.getRole('targets') === undefined) await this.refresh(signal === undefined ? {} : { signal });
    const found = await this.#committing(() => updater.getTargetInfo(path));
    if (found !== undefined) return found;
    throw new WaysideError('TARGET_UNKNOWN', { message: `the repository has no target "${path}"` });
  }

  async #open(signal: AbortSignal | undefined): Promise<{ readonly updater: HardenedUpdater; readonly time: number }> {
    if (this.#session !== undefined) return this.#session;
    const { files, folder, metadataUrl, now = Date.now } = this.#options;
    await files.makeFolder(folder);
    this.#floors = await readFloors(files, folder);
    this.#written = this.#floors;
    // The name of a new folder: with it the power would take every floor that is written into it.
    if (this.#floors.generation === 0) await files.syncFolder(dirname(folder));
    const time = Math.max(now(), this.#floors.time);
    const local = await readTrusted(files, folder);
    const fetcher = metadataFetcher(this.#http, {
      onError: (error) => void this.#thrown.push(error),
      ...(signal && { signal }),
    });
    const open = (root: Buffer): HardenedUpdater =>
      openUpdater({
        url: metadataUrl,
        fetcher,
        local: new Map([...local, ['root', root]]),
        time: new Date(time),
        maxRootRotations: MOST_ROOTS,
        maxDelegations: MOST_DELEGATIONS,
        onTrusted: (role, bytes, trusted) => {
          this.#guarded(() => this.#clear(role, trusted));
          this.#pending.set(fileNameOf(role), bytes);
        },
      });
    this.#session = { updater: await this.#withRoot(local.get('root'), open), time };
    return this.#session;
  }

  /** Begins with the trusted root; with the factory's where that one is gone, damaged, or older. */
  async #withRoot(kept: Buffer | undefined, open: (root: Buffer) => HardenedUpdater): Promise<HardenedUpdater> {
    const factory = await readFactoryRoot(this.#options.files, this.#options.factoryRoot);
    // An operator who has lost every root key installs a later factory root by hand.
    if (kept !== undefined && versionOf(kept) >= versionOf(factory)) {
      try {
        return open(kept);
      } catch {
        // Its own keys did not sign what lies there: the chain is walked again from the factory root, up to the floor.
      }
    }
    try {
      return open(factory);
    } catch (thrown) {
      throw refusal(thrown);
    }
  }

  #clear(role: string, { root, timestamp, snapshot }: HardenedUpdater['trustedSet']): void {
    if (role === 'root') this.#raise((floors) => raiseRoot(floors, root));
    else checkRoot(this.#known, root);
    if (role === 'timestamp' && timestamp) this.#raise((floors) => raiseTimestamp(floors, root, timestamp));
    if (role === 'snapshot' && snapshot) this.#raise((floors) => raiseSnapshot(floors, root, snapshot));
  }

  get #known(): Floors {
    if (this.#floors === undefined) throw new WaysideError('INTERNAL', { message: 'the floors were not read' });
    return this.#floors;
  }

  #raise(by: (floors: Floors) => Floors): void {
    this.#floors = by(this.#known);
  }

  /** Keeps the error itself: tuf-js gives on its text alone. */
  #guarded(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#thrown.push(error);
      throw error;
    }
  }

  /** Runs a part of the workflow and puts what it verified on the disk, also when it fails half way. */
  async #committing<T>(work: () => Promise<T>): Promise<T> {
    this.#thrown = [];
    const { files, folder } = this.#options;
    const before = this.#written;
    try {
      return await work();
    } catch (thrown) {
      throw refusal(this.#thrown.findLast((each) => messageOf(thrown).includes(messageOf(each))) ?? thrown);
    } finally {
      // Floors first: a cut behind them leaves floors that the repository still clears, never metadata without floors.
      this.#written = await writeFloors(files, folder, before, this.#known);
      for (const [name, bytes] of this.#pending) await replaceFile(files, join(folder, `${name}.json`), bytes);
      this.#pending.clear();
    }
  }
}

const slashed = (url: string): string => (url.endsWith('/') ? url : `${url}/`);

const described = ({ path, length, hashes, custom }: TargetFile): Target => ({ path, length, hashes, custom });

/** tuf-js and its models throw classes of their own, or whatever a malformed document leads to: all of them mean no. */
function refusal(thrown: unknown): unknown {
  if (thrown instanceof WaysideError || (thrown as Error).name === 'AbortError') return thrown;
  const message = messageOf(thrown);
  if (/is expired$/.test(message)) {
    return new WaysideError('UPDATE_EXPIRED', { message, hint: 'run `wayside repo refresh`', cause: thrown });
  }
  return new WaysideError('UPDATE_REFUSED', { message, cause: thrown });
}
