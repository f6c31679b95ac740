import { join } from 'node:path';
import { messageOf, WaysideError } from '../../../core/errors.ts';
import type { FileSystem } from '../../../core/file-system.ts';
import { checkMetadata } from './metadata-checks.ts';

/** The trusted metadata on the disk that is not damaged, by the name of its file. */
export async function readTrusted(files: FileSystem, folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const trusted = new Map<string, Buffer>();
  for (const file of await files.list(folder)) {
    if (!file.endsWith('.json')) continue;
    const bytes = await files.read(join(folder, file));
    if (isUsable(file, bytes)) trusted.set(file.slice(0, -'.json'.length), bytes);
  }
  return trusted;
}

/** What fails its own form is no longer what was verified once: it is fetched again. */
function isUsable(name: string, bytes: Buffer): boolean {
  try {
    checkMetadata(name, bytes);
    return true;
  } catch (thrown) {
    if (thrown instanceof WaysideError && thrown.code === 'UPDATE_REFUSED') return false;
    throw thrown;
  }
}

/** @throws {WaysideError} FILE_NOT_FOUND, UPDATE_REFUSED */
export async function readFactoryRoot(files: FileSystem, path: string): Promise<Buffer> {
  try {
    const bytes = await files.read(path);
    checkMetadata('the factory root', bytes);
    return bytes;
  } catch (cause) {
    if (cause instanceof WaysideError) throw cause;
    throw new WaysideError('FILE_NOT_FOUND', { message: `cannot read the factory root: ${messageOf(cause)}`, cause });
  }
}

/** Of a root that passed `checkMetadata`. */
export const versionOf = (root: Buffer): number =>
  (JSON.parse(root.toString('utf8')) as { readonly signed: { readonly version: number } }).signed.version;
