import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { resolveImport } from './resolve.ts';

/** Specifiers of a compiled module or of a package's code: `import`, `export from`, `import()` and `require` of constants. */
const SPECIFIERS = [
  /^\s*(?:import|export)\s+(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"]+)['"]/gm,
  /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g,
  /\brequire\(\s*['"]([^'"]+)['"]\s*\)/g,
];
/** A module of ours that is started as a process of its own: core/layout.ts, core/child.ts. */
const STARTED = /\b(?:compiledModule|forkModule|askModule)\(\s*['"]([^'"]+)['"]/g;
/** Lines that are wholly comment; `//` inside a line may as well be that of an address. */
const COMMENTS = /^\s*(?:\/\/|\*|\/\*(?!.*\*\/\s*\S)).*$/gm;

/** What is loaded when an entry point runs. */
interface LoadedFiles {
  /** Modules of ours, absolute. */
  readonly own: ReadonlySet<string>;
  /** Files of packages, absolute, by the folder of their package. */
  readonly packages: ReadonlyMap<string, ReadonlySet<string>>;
}

function specifiersOf(text: string): string[] {
  const code = text.replace(COMMENTS, '');
  return SPECIFIERS.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name = '']) => name));
}

/**
 * Follows the imports of compiled modules, lazy ones and processes that they start included, through our own code and that of
 * packages. What a package would load only where it is installed, and is not, is left out, as at run time.
 *
 * @param root of the checkout
 * @param entries compiled modules, absolute
 */
export function loadedFiles(root: string, entries: readonly string[]): LoadedFiles {
  const own = new Set<string>();
  const packages = new Map<string, Set<string>>();
  const pending = [...entries];
  for (let file = pending.pop(); file !== undefined; file = pending.pop()) {
    const owner = packageOf(file);
    const known = owner === undefined ? own : (packages.get(owner) ?? new Set());
    if (owner !== undefined) packages.set(owner, known);
    if (known.has(file)) continue;
    known.add(file);
    if (!/\.(?:[cm]?js)$/.test(file)) continue;
    const text = readFileSync(file, 'utf8');
    for (const name of specifiersOf(text)) {
      if (isBuiltin(name)) continue;
      const found = resolveImport(file, name);
      if (found !== undefined) pending.push(found);
      else if (owner === undefined) throw new Error(`${file} imports ${name}, which is not there`);
    }
    if (owner === undefined)
      for (const [, module] of text.replace(COMMENTS, '').matchAll(STARTED))
        pending.push(join(root, 'dist', `${module}.js`));
  }
  return { own, packages };
}

/** Folder of the package that a file belongs to; undefined for our own code. */
function packageOf(file: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
}
