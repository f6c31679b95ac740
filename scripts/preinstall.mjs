// Runs where npm installs what `npm pack` made, before the scripts of dependencies: npm 7 to 11 run `preinstall` of every package of an
// installation before `postinstall` of any, when all are unpacked.
//
// The postinstall of onnxruntime-node downloads CUDA libraries from api.nuget.org on x64 Linux and fails the whole installation where
// that cannot be reached. Its switch is an environment variable, which no package can set for another; so its script is given the
// variable. Whoever asks for the libraries (ONNXRUNTIME_NODE_INSTALL=cuda12) still gets them.
//
// That the shrinkwrap names no install script was tried and does not help: npm 9 to 11 read the scripts from the registry.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SWITCH = `if (!process.env.npm_config_onnxruntime_node_install) process.env.ONNXRUNTIME_NODE_INSTALL ||= 'skip'; // wayside\n`;

const root = dirname(dirname(fileURLToPath(import.meta.url)));

function runtimeFolder() {
  try {
    return dirname(createRequire(join(root, 'package.json')).resolve('onnxruntime-node/package.json'));
  } catch (thrown) {
    if (thrown.code === 'MODULE_NOT_FOUND') return undefined; // npm says so itself where that is a fault
    throw thrown;
  }
}

// A checkout has `.npmrc` for it, and its packages are not there yet.
if (basename(dirname(root)) === 'node_modules') {
  const folder = runtimeFolder();
  const script = folder === undefined ? undefined : join(folder, 'script', 'install.js');
  const before = script === undefined ? SWITCH : readFileSync(script, 'utf8');
  if (!before.startsWith(SWITCH)) {
    // A new file: pnpm links those of its store.
    writeFileSync(`${script}.new`, SWITCH + before);
    renameSync(`${script}.new`, script);
  }
}
