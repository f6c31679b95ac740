import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { temporaryFolder } from '../support/folder.ts';

describe('package.json while npm packs', () => {
  const folder = temporaryFolder();
  const at = (...parts: string[]): string => join(folder(), ...parts);
  const manifest = (): string => readFileSync(at('package.json'), 'utf8');
  const run = (script: string, ...args: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [at('scripts', script), ...args], { encoding: 'utf8' });
    return { status, stderr };
  };
  /** By npm, whose end the scripts wait for: killed before it puts anything back, where that is asked for. */
  const pack = (then = 'true') => {
    const scripts = { prepack: `node scripts/pinned.mjs && ${then}`, postpack: 'node scripts/pinned.mjs --rm' };
    const all = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8'));
    original = `${JSON.stringify({ ...all, files: ['core'], scripts }, null, 2)}\n`;
    writeFileSync(at('package.json'), original);
    return spawnSync('npm', ['pack', '--silent'], { cwd: folder(), encoding: 'utf8' });
  };
  let original: string;

  beforeEach(() => {
    for (const name of ['scripts/setup.mjs', 'scripts/pinned.mjs', 'package-lock.json'])
      cpSync(join(PACKAGE_ROOT, name), at(name), { recursive: true });
    mkdirSync(at('core'), { recursive: true });
    writeFileSync(at('core', 'file.txt'), 'packed\n');
    if (!existsSync(at('node_modules'))) symlinkSync(join(PACKAGE_ROOT, 'node_modules'), at('node_modules'));
  });

  it('has the versions of the lock file, and is put back to the byte', () => {
    const { status, stdout } = pack();
    expect(status).toBe(0);
    expect(manifest()).toBe(original);
    const packed = spawnSync('tar', ['-xzOf', stdout.trim(), 'package/package.json'], {
      cwd: folder(),
      encoding: 'utf8',
    });
    const { dependencies, devDependencies } = JSON.parse(packed.stdout);
    expect(devDependencies).toBeUndefined();
    expect(Object.values(dependencies).every((version) => /^\d+\.\d+\.\d+/.test(String(version)))).toBe(true);
  });

  it('is put back by the next set-up after npm was killed, which says so once', () => {
    pack('kill -KILL $PPID');
    expect(JSON.parse(manifest())).not.toHaveProperty('devDependencies');
    expect(run('setup.mjs', '--install-only')).toEqual({
      status: 0,
      stderr: 'pinned: package.json is put back: npm was interrupted while it packed\n',
    });
    expect(manifest()).toBe(original);
    expect(run('setup.mjs', '--install-only')).toEqual({ status: 0, stderr: '' });
  });

  it('is put back before the next pack as well', () => {
    pack('kill -KILL $PPID');
    const interrupted = original;
    spawnSync('npm', ['pack', '--silent'], { cwd: folder() }); // killed as well: prepack is as before
    expect(run('pinned.mjs', '--rm')).toEqual({ status: 0, stderr: '' });
    expect(manifest()).toBe(interrupted);
  });

  it('is left alone where somebody changed it since, who is told where it was', () => {
    pack('kill -KILL $PPID');
    const changed = manifest().replace('"wayside"', '"other"');
    writeFileSync(at('package.json'), changed);
    const { status, stderr } = run('setup.mjs', '--install-only');
    expect([status, manifest()]).toEqual([0, changed]);
    expect(stderr).toContain('is left as it is');
    expect(readFileSync(at('.cache', 'package.json.before-pack'), 'utf8')).toBe(original);
    expect(run('setup.mjs', '--install-only')).toEqual({ status: 0, stderr: '' });
  });

  it('is not taken from an npm that is still packing', () => {
    const { status } = pack(
      "node scripts/setup.mjs --install-only && node -e \"process.exitCode = +!!JSON.parse(require('fs').readFileSync('package.json')).devDependencies\"",
    );
    expect(status).toBe(0);
    expect(manifest()).toBe(original);
  });
});
