import { dirname } from 'node:path';
import { isSystemError, WaysideError } from '../../core/errors.ts';
import { type FileSystem, replaceFile } from '../../core/file-system.ts';
import { STORE_FORMAT, type StoreLayout } from './layout.ts';

/**
 * Writes the format of a store that is new.
 *
 * @throws {WaysideError} STORE_FORMAT for a store that newer software wrote
 */
export async function requireFormat(files: FileSystem, { format: path, root }: StoreLayout): Promise<void> {
  const write = (): Promise<void> => replaceFile(files, path, JSON.stringify({ format: STORE_FORMAT }));
  if ((await files.size(path)) === undefined) return write();
  let format: unknown;
  try {
    format = (JSON.parse((await files.read(path)).toString('utf8')) as { format?: unknown }).format;
  } catch {
    // Damaged: there never was another format, and the records carry checksums of their own.
    return write();
  }
  if (typeof format === 'number' && format > STORE_FORMAT) {
    throw new WaysideError('STORE_FORMAT', {
      message: `${root}: store format ${format}, this software reads up to ${STORE_FORMAT}`,
      hint: 'update Wayside on this box',
    });
  }
}

/**
 * Tidying, which a disk that can only be read does not need: what lies there stays as it is. A disk that has failed refuses even to flush
 * what nobody wrote.
 */
async function whereWritable(tidy: () => Promise<void>): Promise<void> {
  try {
    await tidy();
  } catch (cause) {
    if (!isSystemError(cause, 'EROFS')) throw cause;
  }
}

/** Makes the folders of a store, and flushes their names. */
export async function makeFolders(files: FileSystem, layout: StoreLayout): Promise<void> {
  for (const folder of [layout.slots, layout.states, layout.downloads]) await files.makeFolder(folder);
  for (const folder of [layout.model, dirname(layout.model)]) await whereWritable(() => files.syncFolder(folder));
}

/** What writing left that the power cut off. */
export async function removeTemporaries(files: FileSystem, { root, model, states }: StoreLayout): Promise<void> {
  for (const folder of [root, model, states]) {
    for (const name of await files.list(folder)) {
      if (name.startsWith('.') && name.endsWith('.tmp')) await whereWritable(() => files.remove(`${folder}/${name}`));
    }
  }
}
