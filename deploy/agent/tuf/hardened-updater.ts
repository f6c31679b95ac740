import {
  Key,
  type Metadata,
  MetadataKind,
  type Root,
  type Snapshot,
  type TargetFile,
  type Targets,
  type Timestamp,
} from '@tufjs/models';
import { type Fetcher, Updater, type UpdaterOptions } from 'tuf-js';
import { payloadOf } from '../../payload.ts';
import { delegatesOf, mayLieUnder } from '../../tuf-models.ts';
import { verifiesWith } from './signature-schemes.ts';
import { requireThreshold, roleOfDelegator, roleOfRoot } from './signers.ts';

/** The part of tuf-js 5.0.1 that is public in JavaScript and private in its types; the version is pinned for it. */
interface TufJs {
  readonly trustedSet: {
    referenceTime: Date;
    readonly root: Metadata<Root>;
    readonly timestamp: Metadata<Timestamp> | undefined;
    readonly snapshot: Metadata<Snapshot> | undefined;
    getRole(name: string): Metadata<Targets> | undefined;
  };
  refresh(): Promise<void>;
  getTargetInfo(path: string): Promise<TargetFile | undefined>;
  loadLocalMetadata(name: string): Buffer;
  persistMetadata(name: string, bytes: Buffer): void;
  loadTargets(name: string, delegator: string): Promise<Metadata<Targets> | undefined>;
}

const TufJsUpdater = Updater as unknown as new (options: UpdaterOptions) => TufJs;

/** tuf-js verifies through this method of the keys that it reads; there is no other way in. */
Key.prototype.verifySignature = function verifySignature(metadata): void {
  const signature = metadata.signatures[this.keyID]?.sig;
  const document = metadata as unknown as Metadata<Root>; // of any role: its documents are what the models call signable
  if (signature === undefined || !verifiesWith(this, payloadOf(document), signature)) {
    throw new Error(`no right signature of ${this.keyID}`);
  }
};

/** Roles under the names that tuf-js persists them by, and so never with a slash. */
type MetadataFiles = ReadonlyMap<string, Buffer>;

export const fileNameOf = (role: string): string => encodeURIComponent(role);

interface Session {
  readonly url: string;
  readonly fetcher: Fetcher;
  /** The trusted metadata that the session begins with, `root` among them. */
  readonly local: MetadataFiles;
  /** Everything is judged as of this moment. */
  readonly time: Date;
  readonly maxRootRotations: number;
  readonly maxDelegations: number;
  /** Called when tuf-js has verified a role that is new; what it throws ends the session. */
  readonly onTrusted: (role: string, bytes: Buffer, trusted: TufJs['trustedSet']) => void;
}

export interface HardenedUpdater {
  readonly trustedSet: TufJs['trustedSet'];
  refresh(): Promise<void>;
  getTargetInfo(path: string): Promise<TargetFile | undefined>;
  /** Loads every role that may sign for a path that begins so. */
  loadUnder(prefix: string): Promise<void>;
}

/**
 * tuf-js, with what it keeps to itself replaced: it works on metadata in memory and writes nothing, judges by a time that is
 * given, counts a key once however many ids it has, and verifies a role it knows again for every role that delegates to it.
 */
export function openUpdater(session: Session): HardenedUpdater {
  /** In front of the class, because tuf-js reads the root in its constructor. */
  const known = new Map(session.local);

  class InMemoryUpdater extends TufJsUpdater {
    #root: Metadata<Root>;
    #delegator = 'root';

    constructor() {
      const { url, fetcher, maxRootRotations, maxDelegations } = session;
      super({ metadataDir: '', metadataBaseUrl: url, fetcher, config: { maxRootRotations, maxDelegations } });
      this.trustedSet.referenceTime = session.time;
      this.#root = this.trustedSet.root;
      requireThreshold(roleOfRoot(this.#root, 'root'), 'root', this.#root);
    }

    override loadLocalMetadata(name: string): Buffer {
      const bytes = known.get(fileNameOf(name));
      if (bytes === undefined) throw new Error(`no trusted metadata of ${name}`); // tuf-js goes on to fetch it
      return bytes;
    }

    override persistMetadata(name: string, bytes: Buffer): void {
      const { root } = this.trustedSet;
      if (name === 'root') {
        for (const before of [this.#root, root]) requireThreshold(roleOfRoot(before, 'root'), 'root', root);
        this.#root = root;
      }
      const targets = this.trustedSet.getRole(name);
      if (targets?.signed.type === MetadataKind.Targets) this.#verify(targets, name, this.#delegator);
      session.onTrusted(name, bytes, this.trustedSet);
      known.set(fileNameOf(name), bytes);
    }

    override async loadTargets(name: string, delegator: string): Promise<Metadata<Targets> | undefined> {
      this.#delegator = delegator;
      if (this.trustedSet.snapshot?.signed.meta[`${name}.json`] === undefined) {
        throw new Error(`the snapshot lists no "${name}"`);
      }
      const targets = this.trustedSet.getRole(name) ?? (await super.loadTargets(name, delegator));
      if (targets !== undefined) this.#verify(targets, name, delegator);
      return targets;
    }

    async loadUnder(prefix: string): Promise<void> {
      const edges: [role: string, delegator: string][] = [['targets', 'root']];
      const seen = new Set<string>();
      for (const [role, delegator] of edges) {
        if (seen.has(role) || seen.size > session.maxDelegations) continue;
        seen.add(role);
        const delegations = (await this.loadTargets(role, delegator))?.signed.delegations;
        for (const next of delegations === undefined ? [] : delegatesOf(delegations)) {
          if (mayLieUnder(prefix, next)) edges.push([next.name, role]);
        }
      }
    }

    #verify(targets: Metadata<Targets>, name: string, delegator: string): void {
      const parent = this.trustedSet.getRole(delegator);
      const role =
        delegator === 'root'
          ? roleOfRoot(this.trustedSet.root, name)
          : parent === undefined
            ? undefined
            : roleOfDelegator(parent, name);
      if (role === undefined) throw new Error(`${delegator} does not delegate to ${name}`);
      requireThreshold(role, name, targets);
    }
  }

  return new InMemoryUpdater();
}
