import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { PACKAGE_ROOT } from '../../core/layout.ts';

const DECLARED =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:const|let|function\*?|class|interface|type|enum)\s+(\w+)/gm;
const LISTED = /^export\s+(?:type\s+)?\{([^}]*)\}/gm;
const NAMED_IMPORT = /^\s*(?:import|export)\s+(?:type\s+)?\{([^}]*)\}\s+from\s+['"](\.[^'"]+)['"]/gm;
/** `import * as x`, `import()`, `import('x').Y`: which names are taken is not in the statement. */
const WHOLE_IMPORT = /(?:\*\s+as\s+(\w+)\s+from\s+|\bimport\(\s*)['"](\.[^'"]+)['"]/g;

const textOf = (file: string): string =>
  readFileSync(join(PACKAGE_ROOT, file), 'utf8').replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');

const wordsOf = (text: string): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>();
  for (const word of text.match(/\w+/g) ?? []) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
};

/** `a, type b as c`: the names before `as` that are imported, the names after it that are exported. */
const listed = (names: string, which: 'before' | 'after'): string[] =>
  names
    .split(',')
    .map((name) => name.trim().replace(/^type\s+/, ''))
    .filter((name) => name !== '')
    .map((name) => name.split(/\s+as\s+/).at(which === 'before' ? 0 : -1) ?? name);

/** The names that a file exports. */
export function exportsOf(text: string): string[] {
  return [
    ...[...text.matchAll(DECLARED)].map(([, name = '']) => name),
    ...[...text.matchAll(LISTED)].flatMap(([, names = '']) => listed(names, 'after')),
  ];
}

/** What `readers` take from each file: `file#name`. Of a module taken whole, every name that the reader's text has. */
function takenBy(readers: readonly string[], exported: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const taken = new Set<string>();
  for (const reader of readers) {
    const text = textOf(reader);
    const targetOf = (specifier: string): string =>
      relative(PACKAGE_ROOT, resolve(PACKAGE_ROOT, dirname(reader), specifier));
    for (const [, names = '', specifier = ''] of text.matchAll(NAMED_IMPORT)) {
      for (const name of listed(names, 'before')) taken.add(`${targetOf(specifier)}#${name}`);
    }
    const words = wordsOf(text);
    for (const [, namespace, specifier = ''] of text.matchAll(WHOLE_IMPORT)) {
      const target = targetOf(specifier);
      const all = namespace !== undefined && new RegExp(`(?<!\\*\\s+as\\s+)\\b${namespace}\\b(?!\\.)`).test(text);
      for (const name of exported.get(target) ?? []) if (all || words.has(name)) taken.add(`${target}#${name}`);
    }
  }
  return taken;
}

export interface UnusedExport {
  /** `core/errors.ts#WaysideError` */
  readonly name: string;
  /** Its own file uses it: the word `export` is all that is too much. */
  readonly usedInside: boolean;
  readonly usedByTests: boolean;
}

/** Exports of `files` that none of `readers` imports; a part of a file that its tests reach into is in use. */
export function unusedExports(
  files: readonly string[],
  readers: readonly string[],
  tests: readonly string[],
): readonly UnusedExport[] {
  const exported = new Map(files.map((file) => [file, exportsOf(textOf(file))]));
  const taken = takenBy(readers, exported);
  const tested = takenBy(tests, exported);
  return files.flatMap((file) => {
    const words = wordsOf(textOf(file));
    return (exported.get(file) ?? [])
      .map((name) => ({ key: `${file}#${name}`, usedInside: (words.get(name) ?? 0) > 1 }))
      .filter(({ key }) => !taken.has(key))
      .map(({ key, usedInside }) => ({ name: key, usedInside, usedByTests: tested.has(key) }))
      .filter(({ usedByTests, ...found }) => !(found.usedInside && usedByTests));
  });
}
