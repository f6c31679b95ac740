import { hostname } from 'node:os';
import { join } from 'node:path';
import { isSystemError, WaysideError } from '../../core/errors.ts';
import { diskFiles, writeFailed } from '../../core/file-system.ts';
import { changing, readIfThere, readSettings } from './layout.ts';

/** False for a process of this machine that has ended; of others nothing is known. */
function mayRun(holder: string): boolean {
  const [host, pid] = holder.trim().split(' ');
  if (host !== hostname()) return true;
  try {
    process.kill(Number(pid), 0);
    return true;
  } catch (cause) {
    return isSystemError(cause, 'EPERM');
  }
}

/**
 * Lets one at a time publish: a timer that renews the timestamp beside a publication would put the old snapshot back over the
 * new one. A lock whose process has ended is taken over.
 *
 * @throws {WaysideError} REPOSITORY_BUSY, REPOSITORY_INVALID, and what the work throws
 */
export async function locked<T>(folder: string, work: () => Promise<T>): Promise<T> {
  await readSettings(folder);
  const path = join(folder, 'publishing.lock');
  const holder = await readIfThere(path);
  if (holder !== undefined) {
    if (mayRun(holder.toString('utf8'))) throw busy(folder, path, holder.toString('utf8'));
    await changing(path, () => diskFiles.remove(path));
  }
  let file: Awaited<ReturnType<typeof diskFiles.open>>;
  try {
    file = await diskFiles.open(path, 'new');
  } catch (cause) {
    if (isSystemError(cause, 'EEXIST')) throw busy(folder, path, 'another process');
    throw writeFailed(path, cause);
  }
  try {
    await file.write(Buffer.from(`${hostname()} ${process.pid}\n`));
    return await work();
  } finally {
    await file.close();
    await diskFiles.remove(path);
  }
}

const busy = (folder: string, path: string, holder: string): WaysideError =>
  new WaysideError('REPOSITORY_BUSY', {
    message: `${folder} is being published by ${holder.trim()}`,
    hint: `try again; if nobody is at it, remove ${path}`,
  });
