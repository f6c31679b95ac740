import { Metadata, Root, Targets } from '@tufjs/models';
import { WaysideError } from '../../core/errors.ts';
import { delegatesOf } from '../tuf-models.ts';
import { readPublished, readStaged, stage } from './documents.ts';
import { checkThreshold, SPEC_VERSION } from './init.ts';
import { type PublicKeyDocument, tufKey } from './keys/public-key.ts';
import { expiresAfter, invalid, readSettings, TOP_ROLES } from './layout.ts';
import { upcoming } from './requirements.ts';
import { draftOf } from './stage-targets.ts';

export interface RotateOptions {
  readonly role: string;
  readonly add?: readonly PublicKeyDocument[];
  /** Ids, or their beginnings. */
  readonly remove?: readonly string[];
  readonly threshold?: number;
  readonly now?: number;
}

interface Granted {
  readonly keyids: readonly string[];
  readonly threshold: number;
}

type KeyTable = Readonly<Record<string, ReturnType<typeof tufKey>>>;

/** The keys of a role after the change, and the threshold. */
function change(
  before: Granted,
  { role, add = [], remove = [], threshold = before.threshold }: RotateOptions,
): Granted {
  const added = add.map((key) => tufKey(key).keyID);
  const removed = remove.map((start) => {
    const matching = before.keyids.filter((id) => id.startsWith(start));
    if (matching.length === 1 && start !== '') return matching[0];
    throw new WaysideError('USAGE', { message: `${role} has ${matching.length} keys whose id begins with "${start}"` });
  });
  const keyids = [...new Set([...before.keyids, ...added])].filter((id) => !removed.includes(id));
  checkThreshold(role, threshold, keyids.length);
  return { keyids, threshold };
}

const keysNamed = (table: KeyTable, added: readonly PublicKeyDocument[], ids: readonly string[]) => {
  const all = new Map([...Object.values(table), ...added.map(tufKey)].map((key) => [key.keyID, key]));
  return Object.fromEntries(ids.flatMap((id) => all.get(id) ?? []).map((key) => [key.keyID, key.toJSON()]));
};

/**
 * Changes who may sign for a role. A top-level role is changed in the root, which its old and its new keys have to sign; a
 * delegated one in `targets`. What the role itself says is staged anew, to be signed by those who now may.
 *
 * Without a change of keys it renews what the role itself says before it expires.
 *
 * @throws {WaysideError} REPOSITORY_INVALID, USAGE
 */
export async function rotate(folder: string, options: RotateOptions): Promise<readonly string[]> {
  const { role, add = [], now = Date.now() } = options;
  const published = await readPublished(folder);
  const staged = await readStaged(folder);
  const { days } = await readSettings(folder);
  const current = upcoming(published, staged);
  const renewed = add.length === 0 && (options.remove ?? []).length === 0 && options.threshold === undefined;
  if (renewed && role !== 'root') {
    await stage(folder, role, new Metadata(await draftOf(folder, role, { published, staged, now })));
    return [role];
  }
  if (TOP_ROLES.some((name) => name === role)) {
    const document = current.root.signed;
    const roles = Object.fromEntries(
      Object.entries(document.roles).map(([name, { keyIDs, threshold }]) => {
        const granted = { keyids: keyIDs, threshold };
        return [name, name === role ? change(granted, options) : granted];
      }),
    );
    const ids = Object.values(roles).flatMap(({ keyids }) => keyids);
    const version = published.root === undefined ? document.version : published.root.signed.version + 1;
    const root = Root.fromJSON({
      ...document.toJSON(),
      version,
      expires: expiresAfter(days.root, now),
      keys: keysNamed(document.keys, add, ids),
      roles: Object.fromEntries(
        Object.entries(roles).map(([name, { keyids, threshold }]) => [name, { keyids: [...keyids], threshold }]),
      ),
    });
    await stage(folder, 'root', new Metadata(root));
    if (role !== 'targets') return ['root'];
    await stage(folder, 'targets', new Metadata(await draftOf(folder, 'targets', { published, staged, now })));
    return ['root', 'targets'];
  }
  const draft = await draftOf(folder, 'targets', { published, staged, now });
  const { delegations } = draft;
  const delegated = delegations?.roles?.[role];
  if (delegations === undefined || delegated === undefined) throw invalid(`there is no role "${role}"`);
  const changed = change({ keyids: delegated.keyIDs, threshold: delegated.threshold }, options);
  const roles = delegatesOf(delegations).map((each) =>
    each.name === role
      ? { ...each.toJSON(), keyids: [...changed.keyids], threshold: changed.threshold }
      : each.toJSON(),
  );
  const others = delegatesOf(delegations).flatMap((each) => (each.name === role ? [] : each.keyIDs));
  const keys = keysNamed(delegations.keys, add, [...others, ...changed.keyids]);
  const signed = Targets.fromJSON({
    ...draft.toJSON(),
    spec_version: SPEC_VERSION,
    delegations: { ...delegations.unrecognizedFields, keys, roles },
  });
  await stage(folder, 'targets', new Metadata(signed));
  await stage(folder, role, new Metadata(await draftOf(folder, role, { published, staged, now })));
  return ['targets', role];
}
