import { createHash } from 'node:crypto';
import { contentOf, type Entry, text, withFolders } from './entries.ts';
import { compressed, xzFilters } from './xz.ts';

export interface Deb {
  /** Fields of DEBIAN/control but `Installed-Size`, in their order. */
  readonly fields: Readonly<Record<string, string>>;
  /** Maintainer scripts and such by name. */
  readonly control: Readonly<Record<string, string>>;
  readonly entries: readonly Entry[];
  /** Time of every file, in seconds since the epoch. */
  readonly mtime: number;
  /** Of xz, 0 to 9. */
  readonly level: number;
  /** Jumps of x86 code made absolute before xz looks for repetitions: 8% of ONNX Runtime. */
  readonly x86?: boolean;
}

const SCRIPTS = new Set(['preinst', 'postinst', 'prerm', 'postrm']);

/**
 * A Debian package (deb(5)): an ar archive of two tar archives. The same in gives the same bytes, given the same xz. `dpkg-deb`
 * would need the files laid out on a disk, with owners that only root can give them.
 */
export async function debOf({ fields, control, entries, mtime, level, x86 = false }: Deb): Promise<Buffer> {
  const data = withFolders(entries);
  const controlEntries = withFolders([
    text('control', controlFile({ ...fields, 'Installed-Size': String(installedKib(data)) })),
    text('md5sums', md5sums(data)),
    ...Object.entries(control).map(([name, lines]) => text(name, lines, SCRIPTS.has(name) ? 0o755 : 0o644)),
  ]);
  return ar(
    [
      ['debian-binary', Buffer.from('2.0\n')],
      ['control.tar.xz', await compressed(controlEntries, mtime, [])],
      ['data.tar.xz', await compressed(data, mtime, xzFilters(level, x86))],
    ],
    mtime,
  );
}

const controlFile = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');

/** As dpkg-gencontrol counts: files in whole KiB, everything else as one. */
function installedKib(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + Math.max(1, Math.ceil((contentOf(entry)?.length ?? 0) / 1024)), 0);
}

/** What `dpkg --verify` compares with. */
const md5sums = (entries: readonly Entry[]): string =>
  entries
    .flatMap((entry) => {
      const content = contentOf(entry);
      return content === undefined ? [] : [`${createHash('md5').update(content).digest('hex')}  ${entry.path}\n`];
    })
    .join('');

/** ar(5), of which deb(5) takes the plainest form: headers of 60 characters, contents at even offsets. */
function ar(members: readonly (readonly [name: string, content: Uint8Array])[], mtime: number): Buffer {
  const parts: Uint8Array[] = [Buffer.from('!<arch>\n')];
  for (const [name, content] of members) {
    const fields = [name.padEnd(16), String(mtime).padEnd(12), '0'.padEnd(6), '0'.padEnd(6), '100644'.padEnd(8)];
    parts.push(Buffer.from(`${fields.join('')}${String(content.length).padEnd(10)}\`\n`), content);
    if (content.length % 2 === 1) parts.push(Buffer.from('\n'));
  }
  return Buffer.concat(parts);
}
