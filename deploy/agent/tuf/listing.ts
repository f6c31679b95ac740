import type { HardenedUpdater } from './hardened-updater.ts';

/** Paths of targets that begin so, in every role that is loaded. Whether the role may sign for them is not asked here. */
export function pathsUnder(prefix: string, trusted: HardenedUpdater['trustedSet']): readonly string[] {
  const seen = new Set<string>();
  const paths = new Set<string>();
  const visit = (role: string): void => {
    const metadata = trusted.getRole(role);
    if (metadata === undefined || seen.has(role)) return;
    seen.add(role);
    const { targets, delegations } = metadata.signed;
    for (const path of Object.keys(targets)) if (path.startsWith(prefix)) paths.add(path);
    for (const delegated of Object.keys(delegations?.roles ?? {})) visit(delegated);
  };
  visit('targets');
  return [...paths].sort((a, b) => (a < b ? -1 : 1));
}
