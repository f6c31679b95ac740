import type { Key, Metadata, Root, Targets } from '@tufjs/models';
import type { Published, RoleMetadata, Staged } from './documents.ts';
import { invalid } from './layout.ts';

/** A set of keys of which so many have to sign. A new root has two: its own, and that of the root before it. */
interface Requirement {
  readonly keys: readonly Key[];
  readonly threshold: number;
}

/** What holds once the staged documents are published. */
export function upcoming(published: Published, staged: Staged): { root: Metadata<Root>; targets: Metadata<Targets> } {
  const root = staged.root ?? published.root;
  const targets = staged.targets.get('targets') ?? published.targets.get('targets');
  if (root === undefined || targets === undefined) throw invalid('the repository has no root or no targets');
  return { root, targets };
}

function ofRoot({ signed }: Metadata<Root>, role: string): Requirement {
  const { keyIDs = [], threshold = 1 } = signed.roles[role] ?? {};
  return { keys: keyIDs.flatMap((id) => signed.keys[id] ?? []), threshold };
}

export function requirementsOf(role: string, published: Published, staged: Staged): readonly Requirement[] {
  const { root, targets } = upcoming(published, staged);
  if (role === 'root') {
    return [...(published.root === undefined ? [] : [ofRoot(published.root, 'root')]), ofRoot(root, 'root')];
  }
  if (role in root.signed.roles) return [ofRoot(root, role)];
  const { delegations } = targets.signed;
  const delegated = delegations?.roles?.[role];
  if (delegations === undefined || delegated === undefined) throw invalid(`nobody delegates to the role "${role}"`);
  return [{ keys: delegated.keyIDs.flatMap((id) => delegations.keys[id] ?? []), threshold: delegated.threshold }];
}

export interface Signing {
  readonly threshold: number;
  readonly signed: readonly Key[];
  readonly missing: readonly Key[];
}

const isSignedBy = (metadata: RoleMetadata, key: Key): boolean => {
  try {
    key.verifySignature(metadata);
    return true;
  } catch {
    return false; // how the models say no
  }
};

export const signingOf = ({ keys, threshold }: Requirement, metadata: RoleMetadata): Signing => ({
  threshold,
  signed: keys.filter((key) => isSignedBy(metadata, key)),
  missing: keys.filter((key) => !isSignedBy(metadata, key)),
});

export const isComplete = ({ signed, threshold }: Signing): boolean => signed.length >= threshold;
