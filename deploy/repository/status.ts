import type { Key, Metadata, Targets } from '@tufjs/models';
import { type RoleMetadata, readPublished, readStaged } from './documents.ts';
import { keyLabel } from './keys/public-key.ts';
import { readSettings, TOP_ROLES } from './layout.ts';
import { isComplete, requirementsOf, signingOf } from './requirements.ts';

export interface KeyName {
  readonly id: string;
  /** Whose it is, else the beginning of the id. */
  readonly name: string;
}

export interface PublishedRole {
  readonly role: string;
  readonly version: number;
  readonly expires: string;
  /** Days until it expires; negative once it has. */
  readonly daysLeft: number;
  readonly threshold: number;
  readonly keys: readonly KeyName[];
  /** Targets that it signs for. */
  readonly targets: number | null;
}

export interface StagedRole {
  readonly role: string;
  readonly version: number;
  readonly complete: boolean;
  /** One for every set of keys that has to sign: of a new root, the old and the new. */
  readonly signing: readonly {
    readonly threshold: number;
    readonly signed: readonly KeyName[];
    readonly missing: readonly KeyName[];
  }[];
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

interface RepositoryStatus {
  readonly published: readonly PublishedRole[];
  readonly staged: readonly StagedRole[];
}

const named = (keys: readonly Key[]): readonly KeyName[] => keys.map((key) => ({ id: key.keyID, name: keyLabel(key) }));

/** What has to be signed, by whom it is and by whom not yet. @throws {WaysideError} REPOSITORY_INVALID */
export async function stagedRoles(folder: string): Promise<readonly StagedRole[]> {
  const published = await readPublished(folder);
  const staged = await readStaged(folder);
  const roles: (readonly [string, RoleMetadata])[] = [...staged.targets];
  if (staged.root !== undefined) roles.unshift(['root', staged.root]);
  return roles.map(([role, metadata]) => {
    const signing = requirementsOf(role, published, staged).map((each) => signingOf(each, metadata));
    const changes =
      role === 'root'
        ? { added: [], removed: [] }
        : changesOf(published.targets.get(role), metadata as Metadata<Targets>);
    return {
      role,
      version: metadata.signed.version,
      complete: signing.every(isComplete),
      signing: signing.map(({ threshold, signed, missing }) => ({
        threshold,
        signed: named(signed),
        missing: named(missing),
      })),
      ...changes,
    };
  });
}

function changesOf(before: Metadata<Targets> | undefined, after: Metadata<Targets>) {
  const old = before?.signed.targets ?? {};
  const now = after.signed.targets;
  return {
    added: Object.entries(now).flatMap(([path, target]) => (old[path]?.equals(target) === true ? [] : path)),
    removed: Object.keys(old).filter((path) => now[path] === undefined),
  };
}

/** What is served, until when, and what waits for whom. @throws {WaysideError} REPOSITORY_INVALID */
export async function repositoryStatus(folder: string, now = Date.now()): Promise<RepositoryStatus> {
  await readSettings(folder);
  const published = await readPublished(folder);
  const { root, timestamp, snapshot, targets } = published;
  const documents: (readonly [string, RoleMetadata | undefined])[] = [
    ['root', root],
    ['timestamp', timestamp],
    ['snapshot', snapshot],
    ...targets,
  ];
  const nothingStaged = { targets: new Map<string, Metadata<Targets>>() };
  const roles = documents.flatMap(([role, document]) => {
    if (document === undefined) return [];
    // Of the root its own keys; those of the root before it have signed long ago.
    const requirement = requirementsOf(role, published, nothingStaged).at(-1);
    const { expires, version } = document.signed;
    const isTargets = !TOP_ROLES.some((name) => name === role) || role === 'targets';
    return {
      role,
      version,
      expires,
      daysLeft: Math.floor((Date.parse(expires) - now) / 86_400_000),
      threshold: requirement?.threshold ?? 0,
      keys: named(requirement?.keys ?? []),
      targets: isTargets ? Object.keys((document as Metadata<Targets>).signed.targets).length : null,
    };
  });
  return { published: roles, staged: await stagedRoles(folder) };
}
