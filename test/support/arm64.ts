import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { program } from './requirements.ts';

const run = promisify(execFile);

/** What the package depends on, and a shell for what starts it. */
const LIBRARIES = ['libc6', 'libgcc-s1', 'libstdc++6', 'dash'];
const BINFMT = '/proc/sys/fs/binfmt_misc';
/** An ELF file of 64 bits for machine 183 (AArch64), executable or position-independent. */
const MAGIC = '\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00';
const MASK = '\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff';

/** The libraries of Debian 12 for arm64, as packages, by an apt that has no part in this machine's. */
async function libraries(): Promise<string> {
  const folder = join(tmpdir(), 'wayside-arm64-libraries');
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  const [state, cache] = [join(unfinished, 'state'), join(unfinished, 'cache')];
  await mkdir(join(state, 'lists/partial'), { recursive: true });
  await mkdir(join(cache, 'archives/partial'), { recursive: true });
  await writeFile(join(state, 'status'), '');
  const settings = {
    'APT::Architecture': 'arm64',
    'APT::Architectures': 'arm64',
    'APT::Sandbox::User': 'root',
    'Dir::State': state,
    'Dir::State::status': join(state, 'status'),
    'Dir::Cache': cache,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  await run('apt-get', [...options, 'update'], { cwd: unfinished });
  await run('apt-get', [...options, 'download', ...LIBRARIES], { cwd: unfinished });
  for (const each of [state, cache]) await rm(each, { recursive: true });
  await rename(unfinished, folder);
  return folder;
}

/** A root for arm64 with the package in it. @param deb file of the package */
export async function arm64Root(folder: string, deb: string): Promise<string> {
  const packages = await libraries();
  for (const name of await readdir(packages)) await run('dpkg-deb', ['--extract', join(packages, name), folder]);
  await run('dpkg-deb', ['--extract', deb, folder]);
  for (const each of ['proc', 'tmp', 'dev', 'sys']) await mkdir(join(folder, each), { recursive: true });
  return folder;
}

/**
 * Lets the kernel run programs for arm64 by qemu, so that their children run as well.
 *
 * @returns how to take it back; undefined where it is so already
 */
export async function registerArm64(): Promise<(() => Promise<void>) | undefined> {
  if (!existsSync(join(BINFMT, 'register'))) await run('mount', ['-t', 'binfmt_misc', 'binfmt_misc', BINFMT]);
  for (const name of await readdir(BINFMT)) {
    const text = await readFile(join(BINFMT, name), 'utf8').catch(() => ''); // `register` can only be written
    if (text.includes('7f454c460201010000000000000000000200b700')) return undefined;
  }
  const name = `wayside-arm64-${process.pid}`;
  // F: the kernel opens the interpreter now, so that it is there in any root.
  await writeFile(join(BINFMT, 'register'), `:${name}:M::${MAGIC}:${MASK}:${program('qemu-aarch64-static')}:OF`);
  return () => writeFile(join(BINFMT, name), '-1');
}
