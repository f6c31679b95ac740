import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.ts';

/** What the machine lacks, or the registry does. */
export class PackagingError extends Error {}

/** A package of the npm registry whose bytes are known. */
export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** Subresource integrity, as lock files have it. */
  readonly integrity: string;
}

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, error, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 26 });
  if (error === undefined && status === 0) return stdout;
  const reason = error?.message ?? stderr.trim().split('\n').at(-1) ?? `exit ${status}`;
  throw new PackagingError(`${command} ${args[0]}: ${reason}`);
}

/** What is there is whole: it came there by one rename. */
function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (thrown) {
    if (!existsSync(to)) throw thrown;
  }
}

/**
 * Folder of a package, fetched where the cache has it not. It ends as `node_modules/NAME`, as code that asks where it lies wants it.
 *
 * @param cache folder that may stay
 * @throws {PackagingError} the registry cannot be reached, or gives other bytes than those that are known
 */
export function fetchPackage({ name, version, integrity }: PinnedPackage, cache: string): string {
  const folder = join(cache, `${name.replaceAll('/', '-')}-${version}`);
  const target = join(folder, 'node_modules', name);
  if (existsSync(target)) return target;
  mkdirSync(cache, { recursive: true });
  const scratch = mkdtempSync(join(cache, '.fetched-')); // another process may be at the same
  try {
    const quiet = ['--silent', '--ignore-scripts', '--pack-destination', scratch];
    const archive = join(scratch, run('npm', ['pack', ...quiet, `${name}@${version}`], scratch).trim());
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== integrity) {
      throw new PackagingError(`${name}@${version}: expected ${integrity}, the registry gave ${found}`);
    }
    run('tar', ['-xzf', archive, '--no-same-owner'], scratch);
    rmSync(archive);
    mkdirSync(join(folder, 'node_modules', name, '..'), { recursive: true });
    moveUnlessThere(join(scratch, 'package'), target);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return target;
}

/**
 * Binaries and libraries without their symbols, which are a seventh of Node.
 *
 * @param program `strip` of their architecture
 * @returns where what is stripped of a file lies
 */
export function stripper(program: string, cache: string): (file: string) => string {
  return (file) => {
    const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
    const stripped = join(cache, `${digest}.stripped`);
    if (existsSync(stripped)) return stripped;
    const fresh = `${stripped}.${process.pid}`;
    try {
      run(program, ['-o', fresh, file], cache);
    } catch (cause) {
      const needed = program.replace(/^(.*)-strip$/, 'binutils-$1').replaceAll('_', '-');
      throw new PackagingError(`${messageOf(cause)}\nhint: apt install ${needed}`, { cause });
    }
    renameSync(fresh, stripped);
    return stripped;
  };
}
