import { join } from 'node:path';
import { Signature } from '@tufjs/models';
import { diskFiles } from '../../core/file-system.ts';
import { payloadOf } from '../payload.ts';
import { addSignature, type RoleMetadata, readPublished, readStaged, type Staged } from './documents.ts';
import { tufKey } from './keys/public-key.ts';
import type { Signer } from './keys/signer.ts';
import { changing, layoutOf, readSettings } from './layout.ts';
import { requirementsOf, signingOf } from './requirements.ts';
import { type StagedRole, stagedRoles } from './status.ts';

export const rolesOf = (staged: Staged): ReadonlyMap<string, RoleMetadata> =>
  new Map<string, RoleMetadata>([
    ...(staged.root === undefined ? [] : [['root', staged.root] as const]),
    ...staged.targets,
  ]);

interface Signed {
  /** Roles that this key has signed now. */
  readonly roles: readonly string[];
  /** What is still missing. */
  readonly staged: readonly StagedRole[];
}

/**
 * Signs every staged role that the key may sign for and has not signed yet.
 *
 * @throws {WaysideError} REPOSITORY_INVALID, SIGNER_FAILED, FILE_WRITE_FAILED
 */
export async function signStaged(folder: string, signer: Signer): Promise<Signed> {
  await readSettings(folder);
  const published = await readPublished(folder);
  const staged = await readStaged(folder);
  const id = tufKey(signer.key).keyID;
  const roles: string[] = [];
  for (const [role, metadata] of rolesOf(staged)) {
    const missing = requirementsOf(role, published, staged).flatMap((each) => signingOf(each, metadata).missing);
    if (!missing.some(({ keyID }) => keyID === id)) continue;
    await addSignature(folder, role, id, await signer.sign(payloadOf(metadata)));
    roles.push(role);
  }
  return { roles, staged: await stagedRoles(folder) };
}

/**
 * Takes over the signatures that others have made in their copy of the folder, where they are of the same documents and right.
 *
 * @returns roles and ids of the signatures that came
 * @throws {WaysideError} REPOSITORY_INVALID, FILE_WRITE_FAILED
 */
export async function mergeSignatures(
  folder: string,
  other: string,
): Promise<readonly { readonly role: string; readonly keyId: string }[]> {
  const published = await readPublished(folder);
  const staged = await readStaged(folder);
  const theirs = rolesOf(await readStaged(other));
  const merged: { role: string; keyId: string }[] = [];
  for (const [role, metadata] of rolesOf(staged)) {
    const copy = theirs.get(role);
    if (copy === undefined || !payloadOf(copy).equals(payloadOf(metadata))) continue;
    for (const requirement of requirementsOf(role, published, staged)) {
      const wanted = signingOf(requirement, metadata).missing.map(({ keyID }) => keyID);
      for (const { keyID } of signingOf(requirement, copy).signed) {
        const signature = copy.signatures[keyID];
        if (signature === undefined || !wanted.includes(keyID)) continue;
        if (merged.some((each) => each.role === role && each.keyId === keyID)) continue;
        await addSignature(folder, role, keyID, Buffer.from(signature.sig, 'hex'));
        merged.push({ role, keyId: keyID });
      }
    }
  }
  return merged;
}

/** Signs a document at once with those of the signers who may. */
export async function signWith(
  metadata: RoleMetadata,
  signers: readonly Signer[],
  keyIds: readonly string[],
): Promise<void> {
  for (const signer of signers) {
    const keyID = tufKey(signer.key).keyID;
    if (!keyIds.includes(keyID)) continue;
    const sig = Buffer.from(await signer.sign(payloadOf(metadata))).toString('hex');
    metadata.signatures[keyID] = new Signature({ keyID, sig });
  }
}

/** Removes what is staged once it is published. */
export async function clearStaged(folder: string): Promise<void> {
  const { staged } = layoutOf(folder);
  await changing(staged, async () => {
    await diskFiles.removeFolder(staged);
    await diskFiles.syncFolder(join(staged, '..'));
  });
}
