import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { PACKAGE_ROOT } from '../../core/layout.ts';

export interface Import {
  /** A file of ours relative to the checkout (`core/errors.ts`), or a package's or Node module's name as written. */
  readonly target: string;
  readonly ours: boolean;
  /** `import type`: gone after compiling. */
  readonly typeOnly: boolean;
  /** `import()`: loaded when that line runs. */
  readonly dynamic: boolean;
}

const STATIC = /^\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"]+)['"]/gm;
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g;
/** In a type position `import('x').Y` loads nothing. */
const TYPE_POSITION = /typeof\s+import\(\s*['"][^'"]+['"]\s*\)|import\(\s*['"][^'"]+['"]\s*\)\.[A-Z]\w*/g;

/** Every `.ts` file below the given folders of the checkout, relative to it. */
export function sourceFiles(folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) => readdirSync(join(PACKAGE_ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(PACKAGE_ROOT, join(entry.parentPath, entry.name)))
    .sort();
}

function toImport(file: string, specifier: string, kind: Pick<Import, 'typeOnly' | 'dynamic'>): Import {
  const ours = specifier.startsWith('.');
  const target = ours ? relative(PACKAGE_ROOT, resolve(PACKAGE_ROOT, dirname(file), specifier)) : specifier;
  return { target, ours, ...kind };
}

/** The imports of one file, static and dynamic. */
export function importsOf(file: string): Import[] {
  const text = readFileSync(join(PACKAGE_ROOT, file), 'utf8').replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  const dynamicText = text.replace(TYPE_POSITION, '');
  return [
    ...[...text.matchAll(STATIC)].map(([, type, name = '']) =>
      toImport(file, name, { typeOnly: type !== undefined, dynamic: false }),
    ),
    ...[...dynamicText.matchAll(DYNAMIC)].map(([, name = '']) =>
      toImport(file, name, { typeOnly: false, dynamic: true }),
    ),
  ];
}

/** Every file of ours and every package that is loaded when a file is: through static imports that survive compiling. */
export function loadedBy(file: string, loaded = new Set<string>()): Set<string> {
  for (const { target, ours, typeOnly, dynamic } of importsOf(file)) {
    if (typeOnly || dynamic || loaded.has(target)) continue;
    loaded.add(target);
    if (ours && target.endsWith('.ts')) loadedBy(target, loaded);
  }
  return loaded;
}
