// What `npm pack` packs as package.json: `dependencies` are the versions of the lock file, those of dependencies too, so that
// `npm install -g` of the archive installs what was tested. npm follows a packed npm-shrinkwrap.json only where the registry announces
// it, never that of an archive (npm 9 to 11); and it reads `overrides` of the outermost package alone: onnx-proto, which wants protobufjs 6,
// gets it there.
//
//   node scripts/pinned.mjs        pins (prepack)
//   node scripts/pinned.mjs --rm   puts package.json back (postpack)
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = join(root, 'package.json');
const kept = join(root, 'node_modules', '.cache', 'package.json.unpinned');

/** Optional ones are those of a platform; the packages that want them name their versions exactly. */
function pins({ packages }) {
  const direct = Object.entries(packages).filter(
    ([path, { dev, devOptional, optional }]) =>
      path.startsWith('node_modules/') && path.lastIndexOf('node_modules/') === 0 && !(dev || devOptional || optional),
  );
  return Object.fromEntries(direct.map(([path, { version }]) => [path.replace('node_modules/', ''), version]));
}

// Also before pinning: a pack that was interrupted has left it pinned.
if (existsSync(kept)) renameSync(kept, manifest);
if (!process.argv.includes('--rm')) {
  const text = readFileSync(manifest, 'utf8');
  const { devDependencies: _, overrides: __, ...packed } = JSON.parse(text);
  packed.dependencies = pins(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  mkdirSync(dirname(kept), { recursive: true });
  writeFileSync(kept, text);
  writeFileSync(`${manifest}.new`, `${JSON.stringify(packed, null, 2)}\n`);
  renameSync(`${manifest}.new`, manifest);
}
