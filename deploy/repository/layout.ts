import { join } from 'node:path';
import { z } from 'zod';
import { isSystemError, messageOf, WaysideError } from '../../core/errors.ts';
import { diskFiles, replaceFile, writeFailed } from '../../core/file-system.ts';

/**
 * A repository on the office's disk:
 *
 * ```
 * repository.json              how long each role is valid
 * staged/ROLE.json             what the next publication changes, unsigned
 * staged/signatures/ROLE/KEYID one signature a file: copies of the folder signed elsewhere are merged by copying
 * staged/targets/              files that it adds
 * published/metadata/, published/targets/   what is served
 * ```
 */
export const layoutOf = (folder: string) =>
  ({
    settings: join(folder, 'repository.json'),
    staged: join(folder, 'staged'),
    signatures: join(folder, 'staged', 'signatures'),
    stagedTargets: join(folder, 'staged', 'targets'),
    published: join(folder, 'published'),
    metadata: join(folder, 'published', 'metadata'),
    targets: join(folder, 'published', 'targets'),
  }) as const;

const days = z.number().positive().max(3650);

/** Days for which a role is valid once it is signed. A box that gets nothing newer takes no update after them. */
export const settingsSchema = z.object({
  format: z.literal(1),
  days: z.object({
    root: days.default(365),
    targets: days.default(180),
    snapshot: days.default(30),
    timestamp: days.default(3),
  }),
});

export type Settings = z.infer<typeof settingsSchema>;

export const TOP_ROLES = ['root', 'targets', 'snapshot', 'timestamp'] as const;
export type TopRole = (typeof TOP_ROLES)[number];

/** Names that are file names everywhere. */
export const ROLE_NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;

export const invalid = (message: string, hint?: string): WaysideError =>
  new WaysideError('REPOSITORY_INVALID', { message, ...(hint !== undefined && { hint }) });

/** @returns undefined where there is no such file */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await diskFiles.read(path);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT', 'ENOTDIR')) return undefined;
    throw new WaysideError('REPOSITORY_INVALID', { message: `cannot read ${path}: ${messageOf(cause)}`, cause });
  }
}

/** @throws {WaysideError} REPOSITORY_INVALID where the folder is no repository */
export async function readSettings(folder: string): Promise<Settings> {
  const bytes = await readIfThere(layoutOf(folder).settings);
  if (bytes === undefined) throw invalid(`${folder} is no repository`, 'make one with `wayside repo init`');
  try {
    return settingsSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new WaysideError('REPOSITORY_INVALID', { message: `${layoutOf(folder).settings} is damaged`, cause });
  }
}

/** Changes something on the disk. @throws {WaysideError} FILE_WRITE_FAILED where the disk refuses */
export async function changing(path: string, change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (cause) {
    throw cause instanceof WaysideError ? cause : writeFailed(path, cause);
  }
}

/** Writes a file with the folders above it. @throws {WaysideError} FILE_WRITE_FAILED */
export const writeThere = (path: string, bytes: string | Uint8Array): Promise<void> =>
  changing(path, async () => {
    await diskFiles.makeFolder(join(path, '..'));
    await replaceFile(diskFiles, path, bytes);
  });

/** TUF 1.0.34, 4.2: seconds, in UTC. */
export const expiresAfter = (days: number, now: number): string =>
  `${new Date(now + days * 86_400_000).toISOString().slice(0, 19)}Z`;
