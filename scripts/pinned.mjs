// What `npm pack` packs as package.json: `dependencies` are the versions of the lock file, those of dependencies too, so that
// `npm install -g` of the archive installs what was tested. npm follows a packed npm-shrinkwrap.json only where the registry announces
// it, never that of an archive (npm 9 to 11); and it reads `overrides` of the outermost package alone: onnx-proto, which wants protobufjs 6,
// gets it there.
//
//   node scripts/pinned.mjs            pins (prepack)
//   node scripts/pinned.mjs --rm       puts package.json back (postpack)
//   node scripts/pinned.mjs --recover  puts it back where a pack was interrupted, and says so (set-up)
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const manifest = join(root, 'package.json');
// Not in node_modules, which `npm ci` empties.
const record = join(root, '.cache', 'npm-pack.json');
const say = (text) => process.stderr.write(`pinned: ${text}\n`);

/** Optional ones are those of a platform; the packages that want them name their versions exactly. */
function pins({ packages }) {
  const direct = Object.entries(packages).filter(
    ([path, { dev, devOptional, optional }]) =>
      path.startsWith('node_modules/') && path.lastIndexOf('node_modules/') === 0 && !(dev || devOptional || optional),
  );
  return Object.fromEntries(direct.map(([path, { version }]) => [path.replace('node_modules/', ''), version]));
}

/** npm, which runs this by a shell that may have become this process; null where /proc does not tell. */
function packer() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat) ?? [];
    return /^(?:ba|da|z)?sh$/.test(name) ? Number(parent) : process.ppid;
  } catch {
    return null;
  }
}

function runs(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return thrown.code === 'EPERM';
  }
}

function replace(path, text) {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

function putBack({ original, packed }) {
  const found = readFileSync(manifest, 'utf8');
  if (found === packed) replace(manifest, original);
  else if (found !== original) {
    const kept = join(dirname(record), 'package.json.before-pack');
    writeFileSync(kept, original);
    say(`package.json was changed while npm packed it, and is left as it is; before, it was ${kept}`);
  }
  rmSync(record);
  return found === packed;
}

const known = existsSync(record) ? JSON.parse(readFileSync(record, 'utf8')) : undefined;
if (process.argv.includes('--rm')) {
  if (known !== undefined) putBack(known);
} else if (known !== undefined && known.packer !== null && runs(known.packer)) {
  say(
    `package.json is as npm packs it: process ${known.packer} puts it back. If that is no npm: node scripts/pinned.mjs --rm`,
  );
  if (!process.argv.includes('--recover')) process.exit(1);
} else {
  if (known !== undefined && putBack(known)) say('package.json is put back: npm was interrupted while it packed');
  if (!process.argv.includes('--recover')) {
    const original = readFileSync(manifest, 'utf8');
    const { devDependencies: _, overrides: __, ...rest } = JSON.parse(original);
    const dependencies = pins(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
    const packed = `${JSON.stringify({ ...rest, dependencies }, null, 2)}\n`;
    mkdirSync(dirname(record), { recursive: true });
    replace(record, JSON.stringify({ packer: packer(), original, packed }));
    replace(manifest, packed);
  }
}
