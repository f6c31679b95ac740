import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '../core/hash.ts';
import { VERSION } from '../core/layout.ts';
import { archiveKeys } from './package/apt/archive-key.ts';
import { addToPool, writeIndices } from './package/apt/repository.ts';
import { boxDeb } from './package/build.ts';
import { debianVersion, MAINTAINER, NOBODY, SBOM } from './package/contents.ts';
import { debOf } from './package/deb.ts';
import { type PackageOptions, packageOptions, signingTime, sourceTime } from './package/options.ts';
import { PackagingError } from './package/registry.ts';
import { installScript, tarballOf } from './package/tarball.ts';

// Makes what boxes install, as Debian packages or as archives for boxes without apt, and the apt archive that they update from:
// npm run package

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main({ architectures, out, level, tar, apt, maintainer }: PackageOptions): Promise<void> {
  // Read first: a key that cannot be used is known before a minute of packing.
  const keys = apt === undefined ? undefined : await archiveKeys(apt.keys, apt.passphrase);
  if (!tar && (maintainer ?? MAINTAINER) === NOBODY)
    process.stderr.write(
      `warning: nobody is named whom its users can write to, and the package says ${NOBODY}: --maintainer 'NAME <ADDRESS>', or author in package.json\n`,
    );
  mkdirSync(out, { recursive: true });
  const debs = new Map<string, Uint8Array>();
  const write = async (name: string, bytes: string | Uint8Array): Promise<void> => {
    await writeFile(join(out, name), bytes);
    if (typeof bytes !== 'string') say(`${join(out, name)}: ${(bytes.length / 1e6).toFixed(1)} MB`);
  };
  for (const architecture of architectures) {
    const content = { ...boxDeb(architecture, sourceTime(), maintainer), level };
    const stem = `wayside_${debianVersion(VERSION)}_${architecture}`;
    const bill = content.entries.find(({ path }) => path === SBOM);
    await write(`${stem}.cdx.json`, Buffer.from(bill?.content ?? []).toString());
    if (tar) {
      const bytes = await tarballOf(content);
      await write(`${stem}.tar.xz`, bytes);
      await write(`${stem}.tar.xz.sha256`, `${digestOf(bytes).replace('sha256:', '')}  ${stem}.tar.xz\n`);
      await write('install.sh', installScript());
      continue;
    }
    const bytes = await debOf(content);
    debs.set(`${stem}.deb`, bytes);
    await write(`${stem}.deb`, bytes);
  }
  if (apt === undefined || keys === undefined) return;
  const { folder, validDays } = apt;
  await addToPool(folder, debs);
  const time = signingTime();
  const held = await writeIndices(folder, { keys, time, ...(validDays !== undefined && { validDays }) });
  say(`${folder}: ${held.length} package${held.length === 1 ? '' : 's'}, signed`);
}

try {
  await main(packageOptions(process.argv.slice(2)));
} catch (thrown) {
  if (!(thrown instanceof PackagingError || (thrown instanceof TypeError && 'code' in thrown))) throw thrown;
  process.stderr.write(`error PACKAGE: ${thrown.message}\n`);
  process.exitCode = 1;
}
