// Makes a checkout ready: installs the packages of the lock file, then compiles. Runs from npm's pre-scripts, so it uses
// nothing but Node, says nothing when there is nothing to do, and then takes some tens of milliseconds.
//
//   node scripts/setup.mjs [--install-only]
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const say = (text) => process.stderr.write(`setup: ${text}\n`);

function fail(text, hint) {
  process.stderr.write(`error SETUP: ${text}\nhint: ${hint}\n`);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(
      `Wayside needs Node 20.19 or newer, this is ${process.versions.node}`,
      'install a current Node from nodejs.org',
    );
  }
}

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** True when every package the lock file requires here is installed in that version. npm writes its hidden lock file last. */
function isInstalled() {
  const installedList = at('node_modules', '.package-lock.json');
  if (!existsSync(installedList)) return false;
  const installed = readJson(installedList).packages;
  return Object.entries(readJson(at('package-lock.json')).packages).every(([path, { version, optional, peer }]) => {
    if (path === '' || ((optional || peer) && installed[path] === undefined)) return true; // other platforms' binaries
    return installed[path]?.version === version && existsSync(at(path));
  });
}

function install() {
  say('installing packages (first time only, about a minute) ...');
  const clean = existsSync(at('node_modules')) ? ['install', '--no-save'] : ['ci'];
  const npm = process.env.npm_execpath;
  const [command, ...before] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const { status, error } = spawnSync(command, [...before, ...clean, '--prefer-offline', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: ['ignore', 2, 2], // stdout stays free for the command that comes after
    // The CPU libraries are in the package; its install script would fetch CUDA from elsewhere.
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
    shell: process.platform === 'win32',
  });
  if (error !== undefined || status !== 0) {
    fail(
      `npm could not install the packages${error ? `: ${error.message}` : ''}`,
      'check that the npm registry is reachable',
    );
  }
}

/** The static ffmpeg arrives without its run bit where npm does not run install scripts. */
function allowRunning() {
  const folder = at('node_modules', '@ffmpeg-installer');
  if (!existsSync(folder)) return;
  for (const platform of readdirSync(folder)) {
    const binary = join(folder, platform, 'ffmpeg');
    if (platform !== 'ffmpeg' && existsSync(binary) && (statSync(binary).mode & 0o100) === 0) chmodSync(binary, 0o755);
  }
}

function* sources(folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (entry.name.endsWith('.ts')) yield path;
  }
}

/** Changes when any source that is compiled is added, removed or saved, or a setting of the compiler or a package changes. */
function fingerprint() {
  const { include } = readJson(at('tsconfig.json'));
  const folders = include.filter((name) => name !== 'test' && !name.includes('.') && existsSync(at(name)));
  const settings = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json'].map((name) => at(name));
  const hash = createHash('sha256');
  for (const path of [...settings, ...folders.flatMap((name) => [...sources(at(name))])].sort((a, b) =>
    a < b ? -1 : 1,
  )) {
    const { size, mtimeMs } = statSync(path);
    hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function build() {
  const stamp = at('dist', '.sources');
  const current = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === current) return;
  say('compiling ...');
  const tsc = at('node_modules', 'typescript', 'bin', 'tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    rmSync(stamp, { force: true });
    fail('the sources do not compile', 'the messages above say where');
  }
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, current);
}

/** An `npm pack` that was interrupted left package.json as it is packed: without what is needed for development. */
function recoverManifest() {
  if (existsSync(at('.cache', 'npm-pack.json')))
    spawnSync(process.execPath, [at('scripts', 'pinned.mjs'), '--recover'], { stdio: ['ignore', 2, 2] });
}

checkNode();
recoverManifest();
if (!isInstalled()) install();
allowRunning();
if (!process.argv.includes('--install-only')) build();
