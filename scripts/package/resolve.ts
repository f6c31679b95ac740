import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Where in package.json a name of a package leads: a path, or paths by condition, the first that holds. */
type Target = string | null | readonly Target[] | { readonly [condition: string]: Target };

interface PackageJson {
  readonly type?: string;
  readonly exports?: Target;
  readonly imports?: { readonly [name: string]: Target };
}

/** What holds for Node where the importer is an ECMAScript module (packages, "Conditional exports" of Node's manual). */
const CONDITIONS = new Set(['node', 'node-addons', 'module-sync', 'import', 'default']);

export const readPackageJson = <T = PackageJson>(folder: string): T =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as T;

/** The folder of the package.json that governs a file. */
function scopeOf(file: string): string | undefined {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'package.json'))) return folder;
  return undefined;
}

function isModule(file: string): boolean {
  if (file.endsWith('.mjs')) return true;
  const scope = file.endsWith('.js') ? scopeOf(file) : undefined;
  return scope !== undefined && readPackageJson(scope).type === 'module';
}

function chosen(target: Target | undefined, star: string): string | undefined {
  if (typeof target === 'string') return target.replaceAll('*', star);
  if (target === null || target === undefined) return undefined;
  const options = Array.isArray(target)
    ? (target as readonly Target[])
    : Object.entries(target).flatMap(([condition, each]) => (CONDITIONS.has(condition) ? [each as Target] : []));
  for (const option of options) {
    const found = chosen(option, star);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A name in a map of `exports` or `imports`: itself, or the longest pattern with one `*` that fits. */
function mapped(map: { readonly [name: string]: Target }, name: string): string | undefined {
  if (map[name] !== undefined) return chosen(map[name], '');
  const patterns = Object.keys(map)
    .map((key) => ({ key, ends: key.split('*') }))
    .filter(
      ({ ends: [before = '', after = ''], key }) =>
        key.includes('*') && name.startsWith(before) && name.endsWith(after),
    )
    .sort((a, b) => b.key.length - a.key.length);
  const [best] = patterns;
  if (best === undefined) return undefined;
  const [before = '', after = ''] = best.ends;
  return chosen(map[best.key], name.slice(before.length, name.length - after.length));
}

/** Where a package lies for an importer. */
export function findPackage(from: string, name: string): string | undefined {
  for (let folder = dirname(from); ; folder = dirname(folder)) {
    const found = join(folder, 'node_modules', name);
    if (existsSync(join(found, 'package.json'))) return found;
    if (folder === dirname(folder)) return undefined;
  }
}

function resolveFromModule(from: string, name: string): string | undefined {
  if (name.startsWith('.')) return resolve(dirname(from), name);
  if (name.startsWith('file:')) return fileURLToPath(name);
  const [, packageName = '', rest = ''] = /^((?:@[^/]+\/)?[^/]+)(\/.*)?$/.exec(name) ?? [];
  const folder = name.startsWith('#') ? scopeOf(from) : findPackage(from, packageName);
  if (folder === undefined) return undefined;
  const { exports, imports } = readPackageJson(folder);
  if (name.startsWith('#')) {
    const target = mapped(imports ?? {}, name);
    return target === undefined ? undefined : join(folder, target);
  }
  if (exports === undefined) return resolveFromScript(from, name);
  const isMap =
    typeof exports === 'object' && exports !== null && Object.keys(exports).some((key) => key.startsWith('.'));
  const map = isMap ? (exports as { readonly [name: string]: Target }) : { '.': exports };
  const target = mapped(map, `.${rest}`);
  return target === undefined ? undefined : join(folder, target);
}

function resolveFromScript(from: string, name: string): string | undefined {
  try {
    return createRequire(pathToFileURL(from)).resolve(name);
  } catch {
    return undefined; // not installed: the package goes on without
  }
}

/**
 * The file that Node loads where a file of a package or of ours names a module; undefined where there is none.
 *
 * Node itself answers this only for the file that asks (`import.meta.resolve` takes a second parameter behind a flag alone), hence
 * the conditions of ECMAScript modules are followed here. For CommonJS it is asked.
 */
export function resolveImport(from: string, name: string): string | undefined {
  const found = isModule(from) ? resolveFromModule(from, name) : resolveFromScript(from, name);
  return found !== undefined && existsSync(found) ? found : undefined;
}
