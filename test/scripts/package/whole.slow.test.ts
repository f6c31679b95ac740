import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { digestOf } from '../../../core/hash.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { describeWith } from '../../support/requirements.ts';

const run = promisify(execFile);
const needs = [
  {
    name: 'to be asked',
    met: process.env['WAYSIDE_PACKAGE'] === '1',
    hint: 'npm run test:package, minutes, with the npm registry',
  },
  'xz',
  'dpkg-deb',
];
const ASIDE = new Set(['.git', 'out', 'coverage']);

describeWith({ needs }, 'the package of a box, built whole', () => {
  const folder = temporaryFolder();
  const build = async (checkout: string, out: string, ...settings: readonly string[]): Promise<void> => {
    const command = ['dist/scripts/package.js', '--arch', 'amd64', '--arch', 'arm64', '--level', '0', '--out', out];
    // Another folder, zone, language, mask of modes and hour than the other build has.
    await run('env', [...settings, 'sh', '-c', 'umask "$MASK"; exec "$0" "$@"', process.execPath, ...command], {
      cwd: checkout,
      env: { ...process.env, SOURCE_DATE_EPOCH: '1790000000' },
    });
  };

  it('is the same bytes from another folder, at another time, for both architectures', async () => {
    const copy = join(folder(), 'a checkout elsewhere');
    const names = readdirSync(PACKAGE_ROOT).filter((name) => !ASIDE.has(name));
    await run('mkdir', [copy]);
    await run('cp', ['--archive', ...names.map((name) => join(PACKAGE_ROOT, name)), copy]);
    await build(PACKAGE_ROOT, join(folder(), 'one'), 'TZ=UTC', 'LC_ALL=C', 'MASK=022');
    await build(copy, join(folder(), 'two'), 'TZ=Asia/Kolkata', 'LC_ALL=C.UTF-8', 'MASK=077');
    const built = readdirSync(join(folder(), 'one')).sort();
    expect(built.filter((name) => name.endsWith('.deb'))).toHaveLength(2);
    for (const name of built) {
      const [one, two] = ['one', 'two'].map((each) => digestOf(readFileSync(join(folder(), each, name))));
      expect({ name, digest: two }).toEqual({ name, digest: one });
    }
  });
});
