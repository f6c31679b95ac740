import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { temporaryFolder } from '../support/folder.ts';

describe('set-up', () => {
  const folder = temporaryFolder();
  const setUp = (...args: string[]) => {
    const { status, stderr } = spawnSync(process.execPath, [join(folder(), 'scripts', 'setup.mjs'), ...args], {
      encoding: 'utf8',
    });
    return { status, stderr };
  };

  beforeAll(() => {
    // A checkout of the lowest room only, with the packages that are installed here.
    for (const name of [
      'scripts/setup.mjs',
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'tsconfig.build.json',
      'core',
    ]) {
      cpSync(join(PACKAGE_ROOT, name), join(folder(), name), { recursive: true });
    }
    symlinkSync(join(PACKAGE_ROOT, 'node_modules'), join(folder(), 'node_modules'));
  });

  it('only installs when asked to only install', () => {
    expect(setUp('--install-only')).toEqual({ status: 0, stderr: '' });
    expect(existsSync(join(folder(), 'dist'))).toBe(false);
  });

  it('compiles a fresh checkout, then finds nothing to do and says nothing', () => {
    expect(setUp()).toEqual({ status: 0, stderr: 'setup: compiling ...\n' });
    expect(existsSync(join(folder(), 'dist', 'core', 'errors.js'))).toBe(true);
    expect(setUp()).toEqual({ status: 0, stderr: '' });
  });

  it('compiles again when a source was saved or removed', () => {
    appendFileSync(join(folder(), 'core', 'hash.ts'), 'export const added = 1;\n');
    expect(setUp().stderr).toContain('compiling');
    expect(readFileSync(join(folder(), 'dist', 'core', 'hash.js'), 'utf8')).toContain('added = 1');
    rmSync(join(folder(), 'core', 'random.ts'));
    expect(setUp().stderr).toContain('compiling');
  });

  it('fails until the sources compile', () => {
    appendFileSync(join(folder(), 'core', 'hash.ts'), 'export const wrong: string = 1;\n');
    for (let attempt = 0; attempt < 2; attempt++) {
      const { status, stderr } = setUp();
      expect(status).toBe(1);
      expect(stderr).toContain('core/hash.ts');
      expect(stderr).toContain('error SETUP: ');
    }
  });
});

describe('the lock file', () => {
  it('names no registry: packages come from the one that the machine is set to', () => {
    const lock = readFileSync(join(PACKAGE_ROOT, 'package-lock.json'), 'utf8');
    expect(lock).not.toContain('"resolved"');
    expect(lock).not.toMatch(/registry\./);
  });

  it('names the binaries of every platform that a package declares', () => {
    const { packages } = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const missing = Object.values(packages)
      .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
      .filter((name) => !Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`)));
    expect(missing).toEqual([]);
  });
});
