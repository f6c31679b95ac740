#!/usr/bin/env node
// Starts the compiled command line. Checked here, in plain JavaScript, because newer syntax below would not even parse.
import { existsSync, readFileSync } from 'node:fs';

// A box has its own commands alone.
const programs = ['main.js', 'box/main.js'].map((name) => new URL(`../dist/cli/${name}`, import.meta.url));
const main = programs.find((program) => existsSync(program));
const [major, minor] = process.versions.node.split('.').map(Number);

/** Modules are read side by side: the daemon takes 110 descriptors to load, and fails with odd words with fewer. */
const FILES = 192;

/** How many files this process may have open; NaN where the system does not tell. */
function fileLimit() {
  try {
    return Number(/^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
  } catch {
    return Number.NaN; // no /proc
  }
}
const files = fileLimit();

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`error USAGE: Wayside needs Node 20.19 or newer, this is ${process.versions.node}\n`);
  process.exitCode = 64;
} else if (main === undefined) {
  process.stderr.write('error FILE_NOT_FOUND: this checkout is not built yet\nhint: run `npm run build` once\n');
  process.exitCode = 66;
} else if (files < FILES) {
  process.stderr.write(`error RESOURCES_SHORT: ${files} file descriptors are allowed, at least ${FILES} are needed\n`);
  process.stderr.write('hint: raise LimitNOFILE= in the unit, or `ulimit -n`\n');
  process.exitCode = 69;
} else {
  const { main: run } = await import(main.href);
  await run(process.argv);
}
