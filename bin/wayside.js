#!/usr/bin/env node
// Starts the compiled command line. Checked here, in plain JavaScript, because newer syntax below would not even parse.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`error USAGE: Wayside needs Node 20.19 or newer, this is ${process.versions.node}\n`);
  process.exitCode = 64;
} else if (!existsSync(main)) {
  process.stderr.write('error FILE_NOT_FOUND: this checkout is not built yet\nhint: run `npm run build` once\n');
  process.exitCode = 66;
} else {
  const { main: run } = await import(main.href);
  await run(process.argv);
}
