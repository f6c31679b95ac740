import { createReadStream } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSystemError, WaysideError } from '../../core/errors.ts';
import type { FileSystem } from '../../core/file-system.ts';
import { type ModelPackage, SIGNATURE } from '../../inference/read-package.ts';
import { digestedFiles } from '../bundle/parent-files.ts';
import { compareVersions } from '../version.ts';
import type { Slot } from './layout.ts';
import type { ModelStore } from './model-store.ts';

async function copyFile(files: FileSystem, from: string, to: string): Promise<void> {
  const file = await files.open(to, 'new');
  try {
    for await (const chunk of createReadStream(from)) await file.write(chunk as Buffer);
    await file.sync();
  } finally {
    await file.close();
  }
}

const isThere = (path: string): Promise<boolean> =>
  lstat(path).then(
    (found) => found.isFile(),
    (cause: unknown) => {
      if (isSystemError(cause, 'ENOENT')) return false;
      throw cause;
    },
  );

/**
 * Puts a package that somebody carried to the box into the spare slot, flushed and verified. What the box knows to be bad, or the
 * repository holds to be too old, is refused by hand as well.
 *
 * @param opened its digests were verified
 * @throws {WaysideError} UPDATE_KNOWN_BAD, UPDATE_BELOW_MINIMUM, UPDATE_OTHER_MODEL, PACKAGE_INVALID
 */
export async function importPackage(files: FileSystem, store: ModelStore, opened: ModelPackage): Promise<Slot> {
  const { dir: from, digest } = opened;
  const { name, version } = opened.manifest;
  const { bad, jobs } = await store.snapshot();
  const failed = bad.models.find((model) => model.digest === digest);
  if (name !== store.name)
    throw new WaysideError('UPDATE_OTHER_MODEL', { message: `expected a package of ${store.name}, got ${name}` });
  if (failed !== undefined)
    throw new WaysideError('UPDATE_KNOWN_BAD', { message: `it failed its trial on this box: ${failed.reason}` });
  if (jobs.minVersion !== undefined && compareVersions(version, jobs.minVersion) < 0)
    throw new WaysideError('UPDATE_BELOW_MINIMUM', {
      message: `${version} is below ${jobs.minVersion}, the oldest that the repository allows`,
    });
  const { slot, dir } = await store.beginWriting({ name, version, digest }, 0);
  const names = [...digestedFiles(opened), ...((await isThere(join(from, SIGNATURE))) ? [SIGNATURE] : [])];
  const folders = new Set([dir]);
  for (const each of names) {
    const to = join(dir, each);
    await files.makeFolder(dirname(to));
    for (let at = dirname(to); at !== dir; at = dirname(at)) folders.add(at);
    await copyFile(files, join(from, each), to);
  }
  for (const folder of [...folders].reverse()) await files.syncFolder(folder);
  await store.finishWriting(slot);
  return slot;
}
