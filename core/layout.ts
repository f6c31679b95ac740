import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) throw new Error('package.json of wayside not found above its own code');
  }
}

/** Folder of the installed package (the checkout, or `node_modules/wayside`). */
export const PACKAGE_ROOT = findRoot();

export const VERSION: string = (
  JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')) as { version: string }
).version;

/**
 * The compiled file of a module that is started as a process of its own, as in `compiledModule('daemon/inference/process')`.
 * Always the one in `dist/`, also when the caller itself runs from source under vitest.
 */
export function compiledModule(module: string): string {
  return join(PACKAGE_ROOT, 'dist', `${module}.js`);
}
