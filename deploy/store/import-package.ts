import { type FileHandle, lstat, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSystemError, WaysideError } from '../../core/errors.ts';
import type { FileSystem } from '../../core/file-system.ts';
import { type ModelPackage, SIGNATURE } from '../../inference/read-package.ts';
import { digestedFiles } from '../bundle/parent-files.ts';
import { compareVersions } from '../version.ts';
import type { Slot } from './layout.ts';
import type { ModelStore } from './model-store.ts';

async function copyFile(files: FileSystem, from: FileHandle, to: string): Promise<void> {
  const file = await files.open(to, 'new');
  try {
    for await (const chunk of from.createReadStream({ autoClose: false })) await file.write(chunk as Buffer);
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

/** The files of a package, open: who copies them may not be allowed to open them. */
interface PackageSource extends AsyncDisposable {
  readonly package: ModelPackage;
  readonly files: ReadonlyMap<string, FileHandle>;
}

/** @param opened its digests were verified */
export async function openSource(opened: ModelPackage): Promise<PackageSource> {
  const signed = await isThere(join(opened.dir, SIGNATURE));
  const files = new Map<string, FileHandle>();
  const close = async (): Promise<void> => {
    for (const file of files.values()) await file.close();
  };
  try {
    for (const name of [...digestedFiles(opened), ...(signed ? [SIGNATURE] : [])])
      files.set(name, await open(join(opened.dir, name)));
  } catch (cause) {
    await close();
    throw cause;
  }
  return { package: opened, files, [Symbol.asyncDispose]: close };
}

/**
 * Puts a package that somebody carried to the box into the spare slot, flushed and verified. What the box knows to be bad, or the
 * repository holds to be too old, is refused by hand as well.
 *
 * @throws {WaysideError} UPDATE_KNOWN_BAD, UPDATE_BELOW_MINIMUM, UPDATE_OTHER_MODEL, PACKAGE_INVALID
 */
export async function importPackage(files: FileSystem, store: ModelStore, source: PackageSource): Promise<Slot> {
  const { manifest, digest } = source.package;
  const { name, version } = manifest;
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
  const folders = new Set([dir]);
  for (const [name, from] of source.files) {
    const to = join(dir, name);
    await files.makeFolder(dirname(to));
    for (let at = dirname(to); at !== dir; at = dirname(at)) folders.add(at);
    await copyFile(files, from, to);
  }
  for (const folder of [...folders].reverse()) await files.syncFolder(folder);
  await store.finishWriting(slot);
  return slot;
}
