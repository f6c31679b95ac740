import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { arch } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PACKAGE_ROOT, VERSION } from '../core/layout.ts';
import { boxDeb } from './package/build.ts';
import { debianVersion } from './package/contents.ts';
import { debOf } from './package/deb.ts';
import { ARCHITECTURES, type Architecture } from './package/platform.ts';
import { PackagingError } from './package/registry.ts';

// Makes the Debian package of a box: npm run package -- [--arch amd64|arm64] [--out DIR] [--level 0..9]

/** The time of the commit: two builds of it give the same bytes. https://reproducible-builds.org/specs/source-date-epoch */
function sourceTime(): number {
  const named = process.env['SOURCE_DATE_EPOCH'];
  const text = named ?? execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: PACKAGE_ROOT, encoding: 'utf8' });
  const seconds = Number(text);
  if (!Number.isSafeInteger(seconds) || seconds < 0)
    throw new PackagingError(`SOURCE_DATE_EPOCH: expected seconds since 1970, found ${text}`);
  return seconds;
}

function parsed(): { readonly architecture: Architecture; readonly out: string; readonly level: number } {
  const { values } = parseArgs({
    options: {
      arch: { type: 'string', default: arch() === 'arm64' ? 'arm64' : 'amd64' },
      out: { type: 'string', default: 'out' },
      level: { type: 'string', default: '9' },
    },
  });
  const architecture = ARCHITECTURES.find((each) => each === values.arch);
  if (architecture === undefined || !/^\d$/.test(values.level))
    throw new PackagingError('usage: npm run package -- [--arch amd64|arm64] [--out DIR] [--level 0..9]');
  return { architecture, out: resolve(values.out), level: Number(values.level) };
}

async function main(): Promise<void> {
  const { architecture, out, level } = parsed();
  const bytes = await debOf({ ...boxDeb(architecture, sourceTime()), level });
  mkdirSync(out, { recursive: true });
  const file = join(out, `wayside_${debianVersion(VERSION)}_${architecture}.deb`);
  await writeFile(file, bytes);
  process.stdout.write(`${file}: ${(bytes.length / 1e6).toFixed(1)} MB\n`);
}

try {
  await main();
} catch (thrown) {
  if (!(thrown instanceof PackagingError || (thrown instanceof TypeError && 'code' in thrown))) throw thrown;
  process.stderr.write(`error PACKAGE: ${thrown.message}\n`);
  process.exitCode = 1;
}
