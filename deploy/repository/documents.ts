import '../tuf-models.ts';
import { join } from 'node:path';
import {
  Metadata,
  MetadataKind,
  type Root,
  Signature,
  type Snapshot,
  type Targets,
  type Timestamp,
} from '@tufjs/models';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { diskFiles } from '../../core/file-system.ts';
import { changing, layoutOf, readIfThere, writeThere } from './layout.ts';

export type RoleMetadata = Metadata<Root> | Metadata<Targets> | Metadata<Snapshot> | Metadata<Timestamp>;

interface Documents {
  root: Metadata<Root>;
  targets: Metadata<Targets>;
  snapshot: Metadata<Snapshot>;
  timestamp: Metadata<Timestamp>;
}

/** Every delegated role is of the kind of `targets`. */
type DocumentOf<R extends string> = R extends keyof Documents ? Documents[R] : Metadata<Targets>;

const KINDS: Readonly<Record<string, MetadataKind>> = {
  root: MetadataKind.Root,
  snapshot: MetadataKind.Snapshot,
  timestamp: MetadataKind.Timestamp,
};

function decode<R extends string>(role: R, bytes: Uint8Array, where: string): DocumentOf<R> {
  try {
    const document = JSON.parse(Buffer.from(bytes).toString('utf8')) as never;
    const kind = KINDS[role] ?? MetadataKind.Targets;
    return Metadata.fromJSON(kind as MetadataKind.Targets, document) as unknown as DocumentOf<R>;
  } catch (cause) {
    throw new WaysideError('REPOSITORY_INVALID', { message: `${where} is damaged: ${messageOf(cause)}`, cause });
  }
}

export const encode = (metadata: RoleMetadata): string => JSON.stringify(metadata.toJSON());

async function readRole<R extends string>(role: R, path: string): Promise<DocumentOf<R> | undefined> {
  const bytes = await readIfThere(path);
  return bytes === undefined ? undefined : decode(role, bytes, path);
}

/** What boxes get today. All absent before the first publication. */
export interface Published {
  readonly root?: Metadata<Root>;
  readonly timestamp?: Metadata<Timestamp>;
  readonly snapshot?: Metadata<Snapshot>;
  /** `targets` and every delegated role, by name. */
  readonly targets: ReadonlyMap<string, Metadata<Targets>>;
}

/** @throws {WaysideError} REPOSITORY_INVALID for metadata that is missing or damaged */
export async function readPublished(folder: string): Promise<Published> {
  const { metadata } = layoutOf(folder);
  const timestamp = await readRole('timestamp', join(metadata, 'timestamp.json'));
  if (timestamp === undefined) return { targets: new Map() };
  const roots = (await diskFiles.list(metadata)).flatMap((name) => /^(\d+)\.root\.json$/.exec(name)?.[1] ?? []);
  const needed = async <R extends string>(role: R, version: number): Promise<DocumentOf<R>> => {
    const path = join(metadata, `${version}.${role}.json`);
    const found = await readRole(role, path);
    if (found !== undefined) return found;
    throw new WaysideError('REPOSITORY_INVALID', { message: `${path} is missing` });
  };
  const snapshot = await needed('snapshot', timestamp.signed.snapshotMeta.version);
  const targets = new Map<string, Metadata<Targets>>();
  for (const [file, { version }] of Object.entries(snapshot.signed.meta)) {
    const role = file.slice(0, -'.json'.length);
    targets.set(role, (await needed(role, version)) as Metadata<Targets>);
  }
  return { root: await needed('root', Math.max(...roots.map(Number))), timestamp, snapshot, targets };
}

/** What the next publication changes: never snapshot or timestamp, which it makes itself. */
export interface Staged {
  readonly root?: Metadata<Root>;
  readonly targets: ReadonlyMap<string, Metadata<Targets>>;
}

/** The staged documents, each with the signatures that have been made of it. */
export async function readStaged(folder: string): Promise<Staged> {
  const { staged, signatures } = layoutOf(folder);
  if ((await diskFiles.size(staged)) === undefined) return { targets: new Map() };
  const names = (await diskFiles.list(staged)).filter((name) => name.endsWith('.json') && !name.startsWith('.'));
  let root: Metadata<Root> | undefined;
  const targets = new Map<string, Metadata<Targets>>();
  for (const name of names) {
    const role = name.slice(0, -'.json'.length);
    const metadata = await readRole(role, join(staged, name));
    if (metadata === undefined) continue;
    await attachSignatures(metadata, join(signatures, role));
    if (role === 'root') root = metadata as unknown as Metadata<Root>;
    else targets.set(role, metadata);
  }
  return { ...(root && { root }), targets };
}

async function attachSignatures(metadata: RoleMetadata, folder: string): Promise<void> {
  if ((await diskFiles.size(folder)) === undefined) return;
  for (const keyID of await diskFiles.list(folder)) {
    if (!/^[0-9a-f]{64}$/.test(keyID)) continue;
    const sig = (await diskFiles.read(join(folder, keyID))).toString('utf8').trim();
    metadata.signatures[keyID] = new Signature({ keyID, sig });
  }
}

/** Stages a document; signatures of what was staged before are of something else, and go. */
export async function stage(folder: string, role: string, metadata: RoleMetadata): Promise<void> {
  const { staged, signatures } = layoutOf(folder);
  await changing(signatures, () => diskFiles.removeFolder(join(signatures, role)));
  await writeThere(join(staged, `${role}.json`), JSON.stringify({ signatures: [], signed: metadata.signed.toJSON() }));
}

export async function addSignature(folder: string, role: string, keyID: string, signature: Uint8Array): Promise<void> {
  await writeThere(join(layoutOf(folder).signatures, role, keyID), `${Buffer.from(signature).toString('hex')}\n`);
}
