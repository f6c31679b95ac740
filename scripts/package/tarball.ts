import { createHash } from 'node:crypto';
import { scriptOf } from './contents.ts';
import type { Deb } from './deb.ts';
import { contentOf, type Entry, text, withFolders } from './entries.ts';
import { compressed, xzFilters } from './xz.ts';

/** Of Debian alone. */
const DEBIAN = /^usr\/share\/(?:lintian\/|doc\/wayside\/changelog\.gz$)/;

/** What a box without apt installs the archive with; lies beside it, and in it, to uninstall with. */
export const installScript = (): string => scriptOf('install.sh');

/**
 * What the Debian package installs, as an archive for boxes without apt: below one folder, and without `usr/`, since it goes where
 * `--prefix` says. The same entries give the same bytes.
 */
export async function tarballOf({ fields, entries, mtime, level, x86 = false }: Deb): Promise<Buffer> {
  const root = `wayside-${fields['Version']}-${fields['Architecture']}`;
  const moved = entries
    .filter(({ path }) => !DEBIAN.test(path))
    .map((entry): Entry => ({ ...entry, path: entry.path.replace(/^usr\//, '') }));
  const all = [...moved, text('lib/wayside/install.sh', installScript(), 0o755)];
  const placed = [...all, text('SHA256SUMS', sums(all))].map((entry) => ({ ...entry, path: `${root}/${entry.path}` }));
  return compressed(withFolders(placed), mtime, xzFilters(level, x86));
}

const sums = (entries: readonly Entry[]): string =>
  entries
    .flatMap((entry) => {
      const content = contentOf(entry);
      return content === undefined ? [] : [`${createHash('sha256').update(content).digest('hex')}  ${entry.path}\n`];
    })
    .join('');
