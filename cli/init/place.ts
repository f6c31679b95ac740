import {
  access,
  chmod,
  chown,
  constants,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Exit, isSystemError, messageOf, SeveralErrors, WaysideError } from '../../core/errors.ts';
import { writeFileAtomic } from '../../core/files.ts';
import { newestOf, readChain } from '../../core/identity/chain.ts';
import { identityFiles, newIdentity } from '../../core/identity/files.ts';
import { identityOf, type PublicIdentity } from '../../core/identity/key.ts';
import { systemUser } from '../../daemon/probe/user.ts';
import type { ConfigurationFile } from './documents.ts';

/** Where the configuration of a box lies; the units, and what they name, know no other place. */
export const FOLDER = '/etc/wayside';

/** Written last, as the daemon waits for it. */
const DAEMON = 'wayside.yaml';
const AGENT = 'agent.yaml';

/** A box, on this machine or in an image of one. */
export interface Target {
  /** `/`, or the folder below which another machine's files lie. */
  readonly root: string;
  /** The configuration, below `root`. */
  readonly folder: string;
}

export const targetBelow = (root: string): Target => ({ root, folder: join(root, FOLDER) });

/** @returns the files of a configuration that are there already */
export async function existingConfiguration({ folder }: Target): Promise<string[]> {
  const names = await readdir(folder).catch((thrown: unknown) => {
    if (isSystemError(thrown, 'ENOENT')) return [] as string[];
    throw new WaysideError('FILE_WRITE_FAILED', {
      message: `cannot look into ${folder}: ${messageOf(thrown)}`,
      hint: 'run it as root: `sudo wayside init`',
      cause: thrown,
    });
  });
  return [DAEMON, AGENT].filter((name) => names.includes(name)).map((name) => join(folder, name));
}

/**
 * That a configuration could be written there, before a person answers a dozen questions.
 *
 * @throws {WaysideError} FILE_WRITE_FAILED
 */
export async function requireWritable({ folder }: Target): Promise<void> {
  for (let at = folder; ; at = dirname(at)) {
    try {
      await access(at, constants.W_OK | constants.X_OK);
      return;
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT') && at !== dirname(at)) continue;
      throw new WaysideError('FILE_WRITE_FAILED', {
        message: `${folder} cannot be written: ${messageOf(cause)}`,
        hint: isSystemError(cause, 'EROFS') ? 'the file system is read-only' : 'run it as root: `sudo wayside init`',
        cause,
      });
    }
  }
}

/** The identity that the box has, else a new one. @throws {WaysideError} IDENTITY_INVALID */
export async function identityFor({ folder }: Target): Promise<{
  readonly files: readonly ConfigurationFile[];
  readonly identity: PublicIdentity;
  readonly made: boolean;
}> {
  const places = identityFiles(folder);
  const there = (path: string): Promise<Buffer | undefined> =>
    readFile(path).catch((thrown: unknown) => {
      if (isSystemError(thrown, 'ENOENT')) return undefined;
      throw thrown;
    });
  const [key, chain] = [await there(places.key), await there(places.chain)];
  const made = key === undefined && chain === undefined;
  const found = made ? newIdentity() : { key: key ?? '', chain: chain ?? '' };
  const identity = newestOf(readChain(Buffer.from(found.chain), places.chain), places.chain);
  if (identityOf(found.key, places.key).publicKey.spki !== identity.spki) {
    throw new WaysideError('IDENTITY_INVALID', {
      message: `${places.key} is not the newest key of ${places.chain}`,
      hint: 'restore both from one backup, or remove both: the box then gets a new identity',
    });
  }
  const files: ConfigurationFile[] = [
    { path: 'secrets/identity', content: found.key, secretOf: 'wayside' },
    { path: 'identity.json', content: found.chain },
  ];
  return { files, identity, made };
}

interface Checks {
  /** @returns remarks; throws what keeps the box from working */
  readonly check: (stage: string) => Promise<readonly string[]>;
}

/**
 * Writes a configuration: first aside, where it is checked, then file by file in place, each as a whole, that of the daemon last. Nothing
 * is written where the check fails.
 *
 * @param inFiles secrets belong to the users of the services, which read them themselves
 * @throws {WaysideError} FILE_WRITE_FAILED, or what the check throws
 */
export async function place(
  { folder }: Target,
  files: readonly ConfigurationFile[],
  { check, inFiles, now }: Checks & { readonly inFiles: boolean; readonly now: number },
): Promise<{ readonly notes: readonly string[]; readonly backup: string | undefined }> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o750 });
    const stage = await mkdtemp(join(folder, '.init-'));
    try {
      for (const { path, content } of files) {
        await mkdir(dirname(join(stage, path)), { recursive: true, mode: 0o700 });
        await writeFile(join(stage, path), content, { mode: 0o600 });
      }
      const notes = await check(stage);
      const backup = await keepOld(folder, files, now);
      for (const file of inOrder(files)) await put(folder, file, inFiles);
      return { notes, backup };
    } finally {
      await rm(stage, { recursive: true, force: true });
    }
  } catch (cause) {
    if (!isSystemError(cause, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST')) throw cause;
    const hint = isSystemError(cause, 'EACCES', 'EPERM') ? 'run it as root: `sudo wayside init`' : 'check the disk';
    throw new WaysideError('FILE_WRITE_FAILED', {
      message: `could not write ${folder}: ${messageOf(cause)}`,
      hint,
      cause,
    });
  }
}

const inOrder = (files: readonly ConfigurationFile[]): ConfigurationFile[] => {
  const turn = ({ path }: ConfigurationFile): number => [AGENT, DAEMON].indexOf(path);
  return files.toSorted((a, b) => turn(a) - turn(b));
};

/** Copies what will be replaced or is no longer needed into a folder of root alone. @returns undefined where there is nothing */
async function keepOld(folder: string, files: readonly ConfigurationFile[], now: number): Promise<string | undefined> {
  const old = (await readdir(folder)).filter((name) => !name.startsWith('.') && !name.startsWith('backup-'));
  if (!old.includes(DAEMON) && !old.includes(AGENT)) return undefined;
  const stamp = new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const backup = join(folder, `backup-${stamp}`);
  await mkdir(backup, { mode: 0o700 });
  for (const name of old)
    await cp(join(folder, name), join(backup, name), { recursive: true, preserveTimestamps: true });
  // An agent that no longer fetches anything must not go on with what the old configuration said.
  if (old.includes(AGENT) && !files.some(({ path }) => path === AGENT)) await rm(join(folder, AGENT));
  return backup;
}

async function put(folder: string, { path, content, secretOf }: ConfigurationFile, inFiles: boolean): Promise<void> {
  const target = join(folder, path);
  if (secretOf === undefined) return await writeFileAtomic(target, content, 0o644);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await chmod(dirname(target), 0o700);
  await writeFileAtomic(target, content, 0o600);
  const owner = inFiles && process.getuid?.() === 0 ? await systemUser(secretOf) : undefined;
  if (owner === undefined) return;
  for (const each of [target, dirname(target)]) await chown(each, owner.uid, owner.gid);
}

/** @throws {WaysideError} all problems at once */
export function requireNone(problems: readonly WaysideError[]): void {
  if (problems.length > 0) throw new SeveralErrors(problems, Exit.config);
}
