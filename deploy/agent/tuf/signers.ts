import type { Key, Metadata, Root, Snapshot, Targets, Timestamp } from '@tufjs/models';
import { WaysideError } from '../../../core/errors.ts';

type AnyMetadata = Metadata<Root> | Metadata<Snapshot> | Metadata<Targets> | Metadata<Timestamp>;

/** Keys that may sign for a role, and how many have to. */
export interface SigningRole {
  readonly keyIds: readonly string[];
  readonly threshold: number;
  readonly keys: Readonly<Record<string, Key>>;
}

export function roleOfRoot({ signed }: Metadata<Root>, name: string): SigningRole {
  const role = signed.roles[name];
  return { keyIds: role?.keyIDs ?? [], threshold: role?.threshold ?? Number.POSITIVE_INFINITY, keys: signed.keys };
}

/** @returns undefined where the role is not delegated to */
export function roleOfDelegator({ signed }: Metadata<Targets>, name: string): SigningRole | undefined {
  const { delegations } = signed;
  const bins = delegations?.succinctRoles;
  const role = delegations?.roles?.[name] ?? (bins?.isDelegatedRole(name) ? bins : undefined);
  if (delegations === undefined || role === undefined) return undefined;
  return { keyIds: role.keyIDs, threshold: role.threshold, keys: delegations.keys };
}

function verifies(key: Key, metadata: AnyMetadata): boolean {
  try {
    key.verifySignature(metadata);
    return true;
  } catch {
    return false; // how @tufjs/models says no
  }
}

/** Ids of the role's keys whose signature of the metadata is right. */
function signersOf({ keyIds, keys }: SigningRole, metadata: AnyMetadata): readonly string[] {
  return keyIds.filter((id) => {
    const key = keys[id];
    return key !== undefined && verifies(key, metadata);
  });
}

/**
 * One key under two ids is one key: tuf-js counts ids, so that a thief of it would have two of a threshold.
 *
 * @throws {WaysideError} UPDATE_REFUSED
 */
export function requireThreshold(role: SigningRole, name: string, metadata: AnyMetadata): readonly string[] {
  const signers = signersOf(role, metadata);
  const distinct = new Set(signers.map((id) => role.keys[id]?.keyVal['public']));
  if (distinct.size >= role.threshold) return signers;
  throw new WaysideError('UPDATE_REFUSED', {
    message: `${name} is signed by ${distinct.size} of ${role.threshold} keys`,
  });
}
