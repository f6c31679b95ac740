// What `npm pack` puts beside package.json, so that `npm install -g` of the archive installs the versions that were tested, asks the
// registry alone and runs no script: npm reads `overrides` and `allowScripts` of the outermost package only, which there is none of.
//
//   node scripts/shrinkwrap.mjs        writes npm-shrinkwrap.json (prepack)
//   node scripts/shrinkwrap.mjs --rm   removes it (postpack): npm would otherwise prefer it to package-lock.json
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const file = join(root, 'npm-shrinkwrap.json');

/** Packages of the lock file but those of development; of none an install script is told, so npm looks for none and runs none. */
function shrunk({ name, version, lockfileVersion, packages }) {
  const kept = Object.entries(packages).filter(([, { dev, devOptional }]) => !(dev || devOptional));
  const told = kept.map(([path, { hasInstallScript, devDependencies, ...entry }]) => [path, entry]);
  return { name, version, lockfileVersion, requires: true, packages: Object.fromEntries(told) };
}

if (process.argv.includes('--rm')) {
  rmSync(file, { force: true });
} else {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  writeFileSync(file, `${JSON.stringify(shrunk(lock), null, 2)}\n`);
}
