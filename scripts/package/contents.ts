import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { createBoxProgram } from '../../cli/box/program.ts';
import { PACKAGE_ROOT, VERSION } from '../../core/layout.ts';
import { manualPage } from '../pages.ts';
import { type BoxCode, type BundledPackage, folderEntries, HOME } from './box-code.ts';
import { bashCompletion } from './completion.ts';
import type { Deb } from './deb.ts';
import { type Entry, text } from './entries.ts';
import type { Architecture } from './platform.ts';
import { type BundledNode, packageBom } from './sbom.ts';

const DOCUMENTS = 'usr/share/doc/wayside';
/** Where the bill of materials of a package lies on a box. */
export const SBOM = join(DOCUMENTS, 'sbom.cdx.json');

const at = (...parts: readonly string[]): string => join(PACKAGE_ROOT, ...parts);
const read = (...parts: readonly string[]): string => readFileSync(at(...parts), 'utf8');

/** What Debian is told where nobody has said who ships the package: it wants a maintainer in any case. */
export const NOBODY = 'Wayside maintainers <maintainers@wayside.example>';

/** `author` of package.json, where whoever ships Wayside fills it in. */
export function maintainerOf({
  author,
}: {
  readonly author?: string | { readonly name: string; readonly email?: string };
}): string {
  if (typeof author === 'string') return author.replace(/ *\(.*\)$/, '');
  if (author?.email !== undefined) return `${author.name} <${author.email}>`;
  return NOBODY;
}
/** Of this copy. */
export const MAINTAINER = maintainerOf(JSON.parse(read('package.json')) as Parameters<typeof maintainerOf>[0]);

/** `1.2.0-rc.1` comes before `1.2.0` for Debian only as `1.2.0~rc.1`. */
export const debianVersion = (version: string): string => version.replace('-', '~');

/** Commands that run as services have a unit of their own. */
function unitsOf(commands: readonly string[]): string[] {
  return [
    ...(commands.includes('daemon') ? ['wayside.service'] : []),
    ...(commands.includes('agent') ? ['wayside-agent.service'] : []),
  ];
}

const commandNames = (): string[] => createBoxProgram().commands.map((command) => command.name());

/** A script of `systemd/package`, for the units that a box has. */
export const scriptOf = (name: string): string =>
  read('systemd/package', name).replaceAll('@UNITS@', unitsOf(commandNames()).join(' '));

/**
 * Versions of what the binaries are linked to: GLIBC_2.28 and GLIBCXX_3.4.22 (GCC 6) are the newest symbols that Node 24 and
 * ONNX Runtime 1.30 ask for. systemd 245 is that of Ubuntu 20.04, the oldest box.
 */
const DEPENDS = 'libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 6), init-system-helpers (>= 1.52), systemd (>= 245)';

function controlFields(architecture: Architecture, maintainer: string): Deb['fields'] {
  return {
    Package: 'wayside',
    Version: debianVersion(VERSION),
    Architecture: architecture,
    Maintainer: maintainer,
    Section: 'misc',
    Priority: 'optional',
    Depends: DEPENDS,
    Recommends: 'ca-certificates, ffmpeg',
    Description: [
      'detectors and image classifiers on a roadside computer',
      ' Finds, follows and counts what the streams of RTSP cameras show, or classifies',
      ' parts of them, with int8 models, and publishes what it sees, and how the box',
      ' is, over MQTT. Brings its own Node and ONNX Runtime, a daemon that is watched',
      ' by systemd, and models to try it with.',
    ].join('\n'),
  };
}

/** Ours, and what we hand on: every package with its licence's own words. */
function copyrightFile(packages: readonly BundledPackage[]): string {
  const bundled = packages.map(({ name, version, licence, texts }) =>
    [`${'-'.repeat(72)}\n${name} ${version}: ${licence}`, ...texts.map((words) => words.trim())].join('\n\n'),
  );
  return `${[read('LICENSE').trim(), 'It contains the following works of others:', ...bundled].join('\n\n')}\n`;
}

const changelog = (mtime: number, maintainer: string): string =>
  [
    `wayside (${debianVersion(VERSION)}) stable; urgency=medium`,
    '',
    '  * What changed is told in CHANGELOG.md beside this file.',
    '',
    ` -- ${maintainer}  ${new Date(mtime * 1000).toUTCString().replace('GMT', '+0000')}`,
    '',
  ].join('\n');

const gzip = (path: string, lines: string): Entry => ({ path, content: gzipSync(lines, { level: 9 }) });

/**
 * What finds, follows and counts, and what classifies regions: the default of `wayside init`, and what it was when boxes were configured
 * by hand or before. A box keeps the factory slot that its configuration names.
 */
const FACTORY = ['demo/detector-package', 'demo/package'] as const;

/** The model packages that come with the software, each in the folder of its name. */
function factory(): Entry[] {
  return FACTORY.flatMap((folder) => {
    const { name } = JSON.parse(read(folder, 'manifest.json')) as { name: string };
    return folderEntries(at(folder), join('usr/share/wayside/factory', name));
  });
}

/** Pages for whoever runs a box; research and images are for those who read the sources. */
function documents(): Entry[] {
  const pages = ['guide', 'reference'].flatMap((folder) =>
    readdirSync(at('docs', folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name)),
  );
  return pages.map((page) => ({ path: join(DOCUMENTS, page), from: at('docs', page) }));
}

/**
 * All that a box installs.
 *
 * @param code what its commands load
 * @param node binary for this architecture, its licence, and the digest of the archive it came in
 * @param mtime time of every file, in seconds since the epoch
 * @param maintainer `NAME <ADDRESS>` of whoever ships it
 */
export function boxPackage(
  architecture: Architecture,
  code: BoxCode,
  node: BundledNode & { readonly binary: Uint8Array },
  mtime: number,
  maintainer = MAINTAINER,
): Omit<Deb, 'level'> {
  const units = unitsOf(commandNames());
  const program = createBoxProgram();
  const entries: Entry[] = [
    ...code.entries,
    { path: join(HOME, 'bin/node'), content: node.binary, mode: 0o755 },
    { path: 'usr/bin/wayside', from: at('systemd/package/wayside.sh'), mode: 0o755 },
    ...units.map((unit) => ({ path: `usr/lib/systemd/system/${unit}`, from: at('systemd', unit) })),
    { path: 'usr/lib/sysusers.d/wayside.conf', from: at('systemd/wayside.sysusers') },
    { path: 'usr/lib/tmpfiles.d/wayside.conf', from: at('systemd/wayside.tmpfiles') },
    { path: 'usr/share/wayside/wayside.example.yaml', from: at('systemd/wayside.example.yaml') },
    ...factory(),
    gzip('usr/share/man/man1/wayside.1.gz', manualPage(program)),
    text('usr/share/bash-completion/completions/wayside', bashCompletion(program)),
    text(join(DOCUMENTS, 'copyright'), copyrightFile([...code.packages, node.bundled])),
    gzip(join(DOCUMENTS, 'changelog.gz'), changelog(mtime, maintainer)),
    { path: join(DOCUMENTS, 'CHANGELOG.md'), from: at('CHANGELOG.md') },
    ...documents(),
    { path: 'usr/share/lintian/overrides/wayside', from: at('systemd/package/lintian-overrides') },
  ];
  return {
    fields: controlFields(architecture, maintainer),
    control: { postinst: scriptOf('postinst'), prerm: scriptOf('prerm'), postrm: scriptOf('postrm') },
    entries: [...entries, text(SBOM, packageBom(architecture, entries, code.packages, node, mtime))],
    mtime,
    // The filter for Arm came with xz 5.4: dpkg of an older box could not read it.
    x86: architecture === 'amd64',
  };
}
