import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { PACKAGE_ROOT, VERSION } from '../../core/layout.ts';
import { type Entry, text } from './entries.ts';
import { loadedFiles } from './loaded-files.ts';
import { type Architecture, isFor, nativeFiles, PLATFORMS, platformPackages } from './platform.ts';
import { readPackageJson } from './resolve.ts';

/** Where everything lies on a box. */
export const HOME = 'usr/lib/wayside';
/** What a box starts: everything else that is installed follows from what this loads. */
export const ENTRY = 'dist/cli/box/main.js';

const LICENCE = /^(?:licen[cs]e|copying|notice)(?:[.-].*)?$/i;

/** A package whose code is installed, with what its licence asks to be handed on. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
  readonly texts: readonly string[];
}

export function bundledPackage(folder: string): BundledPackage {
  const { name, version, license } = readPackageJson<{ name: string; version: string; license?: string }>(folder);
  const files = readdirSync(folder).filter((file) => LICENCE.test(file));
  const texts = files.sort().map((file) => readFileSync(join(folder, file), 'utf8'));
  return { name, version, licence: license ?? 'see its text', texts };
}

export interface BoxCode {
  readonly entries: readonly Entry[];
  readonly packages: readonly BundledPackage[];
}

const inside = (file: string): string => file.slice(file.lastIndexOf('/node_modules/') + 1);

/** The package.json files that say of a package's code what it is: its own, and those in folders (`dist/cjs`) that are otherwise. */
function descriptions(folder: string, code: ReadonlySet<string>): string[] {
  const folders = new Set([folder]);
  for (const file of code) for (let at = dirname(file); at.startsWith(folder); at = dirname(at)) folders.add(at);
  return [...folders].map((each) => join(each, 'package.json')).filter((file) => existsSync(file));
}

/** Below our own `node_modules` a package keeps its place, nested ones too; one that was fetched lies at the top. */
function installedAs(file: string, cache: string): string {
  return join(HOME, file.startsWith(cache) ? inside(file) : relative(PACKAGE_ROOT, file));
}

/**
 * Our compiled code and that of packages, as far as a box loads it.
 *
 * @param cache folder for what has to be fetched
 * @param strip where a native file lies without its symbols
 */
export function boxCode(architecture: Architecture, cache: string, strip: (file: string) => string): BoxCode {
  const platform = PLATFORMS[architecture];
  const { own, packages: loaded } = loadedFiles(PACKAGE_ROOT, [join(PACKAGE_ROOT, ENTRY)]);
  const packages = new Map([...loaded].filter(([folder]) => isFor(folder, platform)));
  for (const folder of [...packages.keys()])
    for (const beside of platformPackages(folder, platform, cache)) {
      const entry = join(beside, readPackageJson<{ main?: string }>(beside).main ?? 'index.js');
      for (const [each, files] of loadedFiles(PACKAGE_ROOT, [entry]).packages) packages.set(each, files);
    }
  const files = [...packages].flatMap(([folder, code]) => [...new Set([...descriptions(folder, code), ...code])]);
  const natives = [...packages.keys()].flatMap((folder) => nativeFiles(folder, platform));
  const manifest = { name: 'wayside', version: VERSION, private: true, type: 'module' };
  return {
    entries: [
      text(join(HOME, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`),
      { path: join(HOME, 'bin/wayside.js'), from: join(PACKAGE_ROOT, 'bin/wayside.js') },
      ...[...own].map((file) => ({ path: join(HOME, relative(PACKAGE_ROOT, file)), from: file })),
      ...files
        .filter((file) => !natives.includes(file))
        .map((file) => ({ path: installedAs(file, cache), from: file })),
      ...natives.map((file) => ({ path: installedAs(file, cache), from: strip(file) })),
    ],
    packages: [...packages.keys()].sort((a, b) => (a < b ? -1 : 1)).map(bundledPackage),
  };
}

/** Files of a folder, as entries below another. */
export function folderEntries(folder: string, path: string): Entry[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((from) => ({ path: join(path, relative(folder, dirname(from)), from.slice(dirname(from).length + 1)), from }));
}
