import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBoxProgram } from '../../../cli/box/program.ts';
import { bashCompletion } from '../../../scripts/package/completion.ts';
import { debianVersion, maintainerOf } from '../../../scripts/package/contents.ts';
import { type Deb, debOf } from '../../../scripts/package/deb.ts';
import { text } from '../../../scripts/package/entries.ts';
import { describeWith } from '../../support/requirements.ts';

const run = promisify(execFile);
const long = `usr/lib/${'a-folder-of-thirty-letters-long/'.repeat(4)}file.js`;
const deb: Deb = {
  fields: { Package: 'tried', Version: '1', Architecture: 'all', Maintainer: 'A <a@b.example>', Description: 'tried' },
  control: { postinst: '#!/bin/sh\nexit 0\n' },
  entries: [
    text('usr/bin/tried', '#!/bin/sh\n', 0o755),
    text(long, 'x'.repeat(1025)),
    { path: 'usr/share/link', link: '/usr/bin/tried' },
    text('usr/share/odd', 'abc'),
  ],
  mtime: 1_700_000_000,
  level: 1,
};

describeWith({ needs: ['dpkg-deb', 'xz'] }, 'a Debian package', () => {
  let folder: string;
  let file: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'wayside-deb-'));
    file = join(folder, 'tried.deb');
    await writeFile(file, await debOf(deb));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is the same bytes for the same entries, in whatever order they are named', async () => {
    const [once, again] = [await debOf(deb), await debOf({ ...deb, entries: [...deb.entries].reverse() })];
    expect(once.equals(again)).toBe(true);
  });

  it('is read by dpkg-deb: everything of root, with its mode and the time that was named', async () => {
    const { stdout } = await run('dpkg-deb', ['--contents', file], { env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } });
    const lines = stdout.trim().split('\n');
    expect(lines.every((line) => line.includes(' root/root ') && line.includes(' 2023-11-14 22:13 '))).toBe(true);
    expect(lines.find((line) => line.endsWith('./usr/bin/tried'))).toMatch(/^-rwxr-xr-x/);
    expect(lines.find((line) => line.endsWith(`./${long}`))).toMatch(/^-rw-r--r-- root\/root +1025 /);
    expect(lines.find((line) => line.includes('./usr/share/link -> /usr/bin/tried'))).toMatch(/^l/);
  });

  it.each([false, true])('unpacks to what was put in, and its checksums agree (filter for x86: %s)', async (x86) => {
    await writeFile(join(folder, 'filtered.deb'), await debOf({ ...deb, x86 }));
    await rm(join(folder, 'out'), { recursive: true, force: true });
    await run('dpkg-deb', ['--raw-extract', join(folder, 'filtered.deb'), join(folder, 'out')]);
    const { stdout } = await run('md5sum', ['--check', '--strict', 'DEBIAN/md5sums'], { cwd: join(folder, 'out') });
    expect(stdout.trim().split('\n')).toHaveLength(3);
  });

  it('says how large it is', async () => {
    // Files of 1, 2 and 1 KiB, and one each for a link and for 8 folders.
    const { stdout } = await run('dpkg-deb', ['--field', file, 'Installed-Size']);
    expect(stdout.trim()).toBe('13');
  });

  it('refuses two entries of one path', async () => {
    await expect(debOf({ ...deb, entries: [text('a', ''), text('a', '')] })).rejects.toThrow('a is installed twice');
  });
});

describeWith({ needs: ['dpkg'] }, 'the version for Debian', () => {
  it('sorts a candidate before its release', async () => {
    await run('dpkg', ['--compare-versions', debianVersion('1.0.0-rc.1'), 'lt', debianVersion('1.0.0')]);
  });
});

describe('the maintainer of the package', () => {
  it.each([
    [{ author: 'A B <a@b.example> (https://b.example)' }, 'A B <a@b.example>'],
    [{ author: { name: 'A B', email: 'a@b.example' } }, 'A B <a@b.example>'],
    [{}, 'Wayside maintainers <maintainers@wayside.example>'],
  ])('is the author in package.json: %j', (described, expected) => {
    expect(maintainerOf(described)).toBe(expected);
  });
});

describeWith({ needs: ['bash'] }, 'the completion for bash', () => {
  const complete = async (...words: string[]): Promise<string[]> => {
    const script = `${bashCompletion(createBoxProgram())}
COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _wayside
printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await run('bash', ['--norc', '-c', script])).stdout.trim().split('\n');
  };

  it('knows commands, and the options of each', async () => {
    expect(await complete('wayside', 'da')).toEqual(['daemon']);
    expect(await complete('wayside', 'daemon', '--ch')).toEqual(['--check']);
  });
});
