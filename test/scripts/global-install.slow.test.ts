import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, expect, it } from 'vitest';
import { PACKAGE_ROOT, VERSION } from '../../core/layout.ts';
import { temporaryFolder } from '../support/folder.ts';
import { describeWith } from '../support/requirements.ts';

const run = promisify(execFile);
const needs = [
  {
    name: 'to be asked',
    met: process.env['WAYSIDE_PACKAGE'] === '1',
    hint: 'npm run test:package, minutes, with the npm registry',
  },
  'ffmpeg',
];

describeWith({ needs }, 'the packed tarball, installed globally into an empty prefix', () => {
  const folder = temporaryFolder();
  const home = (): string => join(folder(), 'prefix/lib/node_modules/wayside');
  /** Without what npm tells the scripts of this checkout, which would reach the installation as its settings. */
  const bare = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')));
  const npm = (...args: string[]) => run('npm', args, { cwd: PACKAGE_ROOT, env: bare, maxBuffer: 2 ** 26 });

  beforeAll(async () => {
    await npm('pack', '--pack-destination', folder());
    const archive = join(folder(), `wayside-${VERSION}.tgz`);
    const options = ['--ignore-scripts', '--loglevel=http', '--prefix', join(folder(), 'prefix')];
    const { stderr } = await run('npm', ['install', '--global', ...options, archive], {
      cwd: folder(),
      env: bare,
      maxBuffer: 2 ** 26,
    });
    const asked = [...stderr.matchAll(/https?:\/\/[^/\s]+/g)].map(([origin]) => origin);
    expect(new Set(asked).size).toBeLessThanOrEqual(1); // the registry, if not all came from npm's cache
  });

  it('holds the versions of the lock file, and nothing of development', () => {
    const { packages } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string; dev?: boolean; optional?: boolean }>;
    };
    const wrong = Object.entries(packages).filter(([path, { version, dev = false, optional = false }]) => {
      const file = join(home(), path, 'package.json');
      if (path === '' || (optional && !existsSync(file))) return false;
      const found = existsSync(file)
        ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
        : undefined;
      return found !== (dev ? undefined : version);
    });
    expect(wrong).toEqual([]);
    expect(existsSync(join(PACKAGE_ROOT, 'npm-shrinkwrap.json'))).toBe(false);
  });

  it.each(['20', '24'])('says its version and runs the demonstration on Node %s', async (major) => {
    const prefix = join(folder(), `node-${major}`);
    mkdirSync(prefix);
    const platform = `node-${process.platform}-${process.arch}`;
    await run('npm', ['install', '--ignore-scripts', '--prefix', prefix, `${platform}@${major}`], { env: bare });
    const node = join(prefix, 'node_modules', platform, 'bin/node');
    expect(execFileSync(node, ['--version'], { encoding: 'utf8' })).toMatch(new RegExp(`^v${major}\\.`));
    const environment = { ...bare, PATH: `${dirname(node)}:${process.env['PATH'] ?? ''}` };
    const wayside = (...args: string[]) =>
      run(join(folder(), 'prefix/bin/wayside'), args, { cwd: folder(), env: environment, maxBuffer: 2 ** 26 });
    expect((await wayside('--version')).stdout).toBe(`${VERSION}\n`);
    const { stdout } = await wayside('demo', '--frames', '5', '--no-page', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ frames: expect.any(Number) });
  });
});
