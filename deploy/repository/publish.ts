import { join, relative } from 'node:path';
import { Metadata, MetaFile, type Root, Snapshot, type Targets, Timestamp } from '@tufjs/models';
import { WaysideError } from '../../core/errors.ts';
import { diskFiles } from '../../core/file-system.ts';
import { digestOf } from '../../core/hash.ts';
import { copyFile } from './copy.ts';
import { encode, type Published, type RoleMetadata, readPublished, readStaged, type Staged } from './documents.ts';
import { SPEC_VERSION } from './init.ts';
import { keyLabel } from './keys/public-key.ts';
import type { Signer } from './keys/signer.ts';
import { expiresAfter, invalid, layoutOf, readSettings, type Settings, writeThere } from './layout.ts';
import { locked } from './lock.ts';
import { isComplete, requirementsOf, type Signing, signingOf, upcoming } from './requirements.ts';
import { clearStaged, rolesOf, signWith } from './sign.ts';

interface Context {
  readonly folder: string;
  readonly signers: readonly Signer[];
  readonly settings: Settings;
  readonly now: number;
}

function requireSigned(role: string, signings: readonly Signing[], hint: string): void {
  for (const { threshold, signed, missing } of signings) {
    if (signed.length >= threshold) continue;
    throw new WaysideError('REPOSITORY_UNSIGNED', {
      message: `${role} is signed by ${signed.length} of ${threshold}; who can sign: ${missing.map(keyLabel).join(', ') || 'nobody'}`,
      hint,
    });
  }
}

const metaOf = (version: number, bytes: string): MetaFile =>
  new MetaFile({
    version,
    length: Buffer.byteLength(bytes),
    hashes: { sha256: digestOf(bytes).slice('sha256:'.length) },
  });

interface NewSnapshot {
  readonly version: number;
  readonly bytes: string;
}

async function signedOnline(
  metadata: RoleMetadata,
  role: 'snapshot' | 'timestamp',
  root: Metadata<Root>,
  { signers }: Context,
): Promise<string> {
  const keyIds = root.signed.roles[role]?.keyIDs ?? [];
  await signWith(metadata, signers, keyIds);
  const keys = keyIds.flatMap((id) => root.signed.keys[id] ?? []);
  const requirement = { keys, threshold: root.signed.roles[role]?.threshold ?? 1 };
  requireSigned(role, [signingOf(requirement, metadata)], `give a key of the ${role} role with --key`);
  return encode(metadata);
}

async function newSnapshot(
  roles: ReadonlyMap<string, Metadata<Targets>>,
  root: Metadata<Root>,
  before: Published,
  context: Context,
): Promise<NewSnapshot> {
  const version = (before.snapshot?.signed.version ?? 0) + 1;
  // Versions alone: each role is signed by itself, and the snapshot stays small.
  const meta = Object.fromEntries(
    [...roles].map(([role, { signed }]) => [`${role}.json`, new MetaFile({ version: signed.version })]),
  );
  const expires = expiresAfter(context.settings.days.snapshot, context.now);
  const metadata = new Metadata(new Snapshot({ version, specVersion: SPEC_VERSION, expires, meta }));
  return { version, bytes: await signedOnline(metadata, 'snapshot', root, context) };
}

async function newTimestamp(
  snapshot: NewSnapshot,
  root: Metadata<Root>,
  before: Published,
  context: Context,
): Promise<string> {
  const version = (before.timestamp?.signed.version ?? 0) + 1;
  const expires = expiresAfter(context.settings.days.timestamp, context.now);
  const snapshotMeta = metaOf(snapshot.version, snapshot.bytes);
  return signedOnline(
    new Metadata(new Timestamp({ version, specVersion: SPEC_VERSION, expires, snapshotMeta })),
    'timestamp',
    root,
    context,
  );
}

interface PublishResult {
  /** Versions of the roles that are new. */
  readonly versions: Readonly<Record<string, number>>;
  /** Files that came to the targets. */
  readonly files: readonly string[];
}

/**
 * Publishes what is staged and signed. Files come first under names that carry version or digest, so that nobody sees them;
 * `timestamp.json` is renamed into place last, and with it everything is there at once. After a cut the same command goes on.
 *
 * @param signers for snapshot and timestamp
 * @throws {WaysideError} REPOSITORY_UNSIGNED, REPOSITORY_INVALID, REPOSITORY_BUSY, SIGNER_FAILED, FILE_WRITE_FAILED
 */
export const publish = (
  folder: string,
  signers: readonly Signer[],
  { now = Date.now() }: { readonly now?: number } = {},
): Promise<PublishResult> => locked(folder, () => publishStaged(folder, signers, now));

async function publishStaged(folder: string, signers: readonly Signer[], now: number): Promise<PublishResult> {
  const context: Context = { folder, signers, now, settings: await readSettings(folder) };
  const published = await readPublished(folder);
  const staged = await readStaged(folder);
  const fresh = [...rolesOf(staged)].filter(([role, metadata]) => !isPublished(role, metadata, published));
  if (rolesOf(staged).size === 0) {
    throw new WaysideError('NOTHING_TO_DO', {
      message: 'nothing is staged',
      hint: 'stage something with `wayside repo add`; `wayside repo refresh` renews the timestamp',
    });
  }
  for (const [role, metadata] of fresh) {
    const signings = requirementsOf(role, published, staged).map((each) => signingOf(each, metadata));
    requireSigned(role, signings, 'sign it with `wayside repo sign`');
    if (Date.parse(metadata.signed.expires) <= now)
      throw invalid(`${role} has expired before it is published: stage it again`);
  }
  const { root } = upcoming(published, staged);
  const targets = new Map([...published.targets, ...staged.targets]);
  checkStillSigned(targets, published, staged);
  const snapshot = await newSnapshot(targets, root, published, context);
  const timestamp = await newTimestamp(snapshot, root, published, context);

  const layout = layoutOf(folder);
  const files = await copyTargets(layout.stagedTargets, layout.targets);
  for (const [role, metadata] of fresh) {
    if (role !== 'root')
      await writeThere(join(layout.metadata, `${metadata.signed.version}.${role}.json`), encode(metadata));
  }
  await writeThere(join(layout.metadata, `${snapshot.version}.snapshot.json`), snapshot.bytes);
  // As late as can be: from here to the timestamp a box may find the new root with the old timestamp, and tries again later.
  if (fresh.some(([role]) => role === 'root')) {
    await writeThere(join(layout.metadata, `${root.signed.version}.root.json`), encode(root));
  }
  await writeThere(join(layout.metadata, 'timestamp.json'), timestamp);
  await clearStaged(folder);
  const after = await readPublished(folder);
  const online = { snapshot: snapshot.version, timestamp: after.timestamp?.signed.version ?? 0 };
  return {
    versions: { ...Object.fromEntries(fresh.map(([role, { signed }]) => [role, signed.version])), ...online },
    files,
  };
}

/** Left over from a publication that was cut after its last step. */
function isPublished(role: string, metadata: RoleMetadata, { root, targets }: Published): boolean {
  const before = role === 'root' ? root : targets.get(role);
  if (before === undefined || metadata.signed.version > before.signed.version) return false;
  if (
    metadata.signed.version === before.signed.version &&
    encode(new Metadata(metadata.signed as never)) === encode(new Metadata(before.signed as never))
  ) {
    return true;
  }
  throw invalid(`${role} version ${metadata.signed.version} is staged, and another of it is published: stage it again`);
}

/** A change of keys must not leave a role behind that nobody who counts has signed. */
function checkStillSigned(targets: ReadonlyMap<string, Metadata<Targets>>, published: Published, staged: Staged): void {
  for (const [role, metadata] of targets) {
    const signings = requirementsOf(role, published, staged).map((each) => signingOf(each, metadata));
    if (!signings.every(isComplete))
      requireSigned(role, signings, `stage it again: \`wayside repo rotate --role ${role}\``);
  }
}

async function copyTargets(from: string, to: string): Promise<readonly string[]> {
  if ((await diskFiles.size(from)) === undefined) return [];
  const { readdir } = await import('node:fs/promises');
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(from, join(entry.parentPath, entry.name)));
  for (const file of files.sort()) {
    const there = await diskFiles.size(join(to, file));
    // The name holds the digest of the content.
    if (there === undefined || there !== (await diskFiles.size(join(from, file))))
      await copyFile(join(from, file), join(to, file));
  }
  return files;
}

/** Half of its validity: a timer that misses a turn does no harm. */
const RENEWED_BEFORE = 0.5;

/**
 * Signs the timestamp anew, so that boxes can tell a quiet repository from a frozen one; the snapshot with it when half of its
 * time is over. Publishes nothing that is staged.
 *
 * @returns versions of what is new
 * @throws {WaysideError} REPOSITORY_INVALID, REPOSITORY_UNSIGNED, REPOSITORY_BUSY, SIGNER_FAILED, FILE_WRITE_FAILED
 */
export const refreshRepository = (
  folder: string,
  signers: readonly Signer[],
  { now = Date.now() }: { readonly now?: number } = {},
): Promise<Readonly<Record<string, number>>> => locked(folder, () => refreshPublished(folder, signers, now));

async function refreshPublished(
  folder: string,
  signers: readonly Signer[],
  now: number,
): Promise<Readonly<Record<string, number>>> {
  const context: Context = { folder, signers, now, settings: await readSettings(folder) };
  const published = await readPublished(folder);
  const { root, snapshot: current } = published;
  if (root === undefined || current === undefined) throw invalid('nothing is published yet');
  const layout = layoutOf(folder);
  const due = Date.parse(current.signed.expires) - now < RENEWED_BEFORE * context.settings.days.snapshot * 86_400_000;
  const snapshot = due
    ? await newSnapshot(published.targets, root, published, context)
    : { version: current.signed.version, bytes: await rawSnapshot(layout.metadata, current.signed.version) };
  const timestamp = await newTimestamp(snapshot, root, published, context);
  if (due) await writeThere(join(layout.metadata, `${snapshot.version}.snapshot.json`), snapshot.bytes);
  await writeThere(join(layout.metadata, 'timestamp.json'), timestamp);
  const version = (published.timestamp?.signed.version ?? 0) + 1;
  return { ...(due && { snapshot: snapshot.version }), timestamp: version };
}

const rawSnapshot = async (metadata: string, version: number): Promise<string> =>
  (await diskFiles.read(join(metadata, `${version}.snapshot.json`))).toString('utf8');
