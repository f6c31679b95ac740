import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { writeFileAtomic } from '../../../core/files.ts';
import { PackagingError } from '../registry.ts';
import type { ArchiveKeys } from './archive-key.ts';
import { debFields } from './deb-fields.ts';

/** Public half of the key in the archive; what a box puts into /usr/share/keyrings. */
export const KEYRING = 'wayside-archive-keyring.pgp';
const SUITE = 'stable';
const COMPONENT = 'main';
const POOL = `pool/${COMPONENT}/w/wayside`;

const sha256 = (bytes: string | Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function put(folder: string, path: string, content: string | Uint8Array): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  if (existsSync(file) && readFileSync(file).equals(Buffer.from(content))) return;
  await writeFileAtomic(file, content);
}

/**
 * Adds packages to the pool of an archive.
 *
 * @throws {PackagingError} the archive has other bytes under that version: boxes that know its digest would refuse it from then on
 */
export async function addToPool(folder: string, debs: ReadonlyMap<string, Uint8Array>): Promise<void> {
  for (const [name, bytes] of debs) {
    const file = join(folder, POOL, name);
    if (existsSync(file) && !readFileSync(file).equals(Buffer.from(bytes)))
      throw new PackagingError(`${file}: the archive has another build of this version: raise the version`);
    await put(folder, join(POOL, name), bytes);
  }
}

/** Paragraphs of `Packages` by architecture, in the order of their files. */
function paragraphs(folder: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  mkdirSync(join(folder, POOL), { recursive: true });
  for (const name of readdirSync(join(folder, POOL)).sort()) {
    if (!name.endsWith('.deb')) continue;
    const bytes = readFileSync(join(folder, POOL, name));
    const { architecture, control } = debFields(name, bytes);
    const lines = [control, `Filename: ${POOL}/${name}`, `Size: ${bytes.length}`, `SHA256: ${sha256(bytes)}`, ''];
    found.set(architecture, [...(found.get(architecture) ?? []), lines.join('\n')]);
  }
  return found;
}

const rfc2822 = (seconds: number): string => new Date(seconds * 1000).toUTCString().replace('GMT', 'UTC');

interface Signing {
  readonly keys: ArchiveKeys;
  /** Time of signing, in seconds since the epoch. */
  readonly time: number;
  /** After so many days boxes take nothing from it until it is signed again: who keeps updates from them is noticed. */
  readonly validDays?: number;
}

/**
 * Writes the indices of an archive anew, of every package in its pool: plain files for any web server, which apt on a box reads
 * (https://wiki.debian.org/DebianRepository/Format). The same pool, keys and time give the same bytes. Index files are named by
 * their digest as well, and those of before stay, so that a box that is in the middle of reading meets no half of both;
 * what is signed is replaced last.
 *
 * @returns paths of the packages, relative to the archive
 * @throws {PackagingError}
 */
export async function writeIndices(folder: string, { keys, time, validDays }: Signing): Promise<string[]> {
  const found = paragraphs(folder);
  if (found.size === 0) throw new PackagingError(`${join(folder, POOL)}: there is no package`);
  const suite = `dists/${SUITE}`;
  const sums: string[] = [];
  const architectures = [...found.keys()].sort((a, b) => (a < b ? -1 : 1));
  for (const architecture of architectures) {
    const each = found.get(architecture) ?? [];
    const place = `${COMPONENT}/binary-${architecture}`;
    const packages = Buffer.from(`${each.join('\n')}`);
    // 255: no system is named in the header, where zlib would name that of this machine.
    const compressed = gzipSync(packages, { level: 9 }).fill(255, 9, 10);
    for (const [name, content] of [
      ['Packages', packages],
      ['Packages.gz', compressed],
    ] as const) {
      const digest = sha256(content);
      await put(folder, `${suite}/${place}/by-hash/SHA256/${digest}`, content);
      await put(folder, `${suite}/${place}/${name}`, content);
      sums.push(` ${digest} ${content.length} ${place}/${name}`);
    }
  }
  const release = [
    ...['Origin: Wayside', 'Label: Wayside', `Suite: ${SUITE}`, `Codename: ${SUITE}`, `Date: ${rfc2822(time)}`],
    ...(validDays === undefined ? [] : [`Valid-Until: ${rfc2822(time + validDays * 86_400)}`]),
    ...[`Architectures: ${architectures.join(' ')}`, `Components: ${COMPONENT}`, 'Acquire-By-Hash: yes'],
    ...['SHA256:', ...sums, ''],
  ].join('\n');
  await put(folder, KEYRING, keys.publicKeys);
  await put(folder, `${suite}/Release`, release);
  await put(folder, `${suite}/Release.gpg`, await keys.detach(release, time));
  await put(folder, `${suite}/InRelease`, await keys.clearsign(release, time));
  return [...found.values()].flat().map((each) => /^Filename: (.+)$/m.exec(each)?.[1] ?? '');
}
