import { stat } from 'node:fs/promises';
import { isSystemError } from '../../core/errors.ts';

/** As the unit of the agent has it: the daemon, of another user in the same group, has to read what is written. */
const UMASK = 0o027;

/**
 * Writes to a store as the user whose it is, where root asks: folders of root's could never be written by the agent again. All threads of the
 * process act as that user meanwhile, so what only root may read has to be open before.
 */
export async function asOwner<T>(root: string, act: () => Promise<T>): Promise<T> {
  const owner = process.getuid?.() === 0 ? await ownerOf(root) : undefined;
  if (owner === undefined || owner.uid === 0) return act();
  const [group, umask] = [process.getegid?.() ?? 0, process.umask(UMASK)];
  process.setegid?.(owner.gid);
  process.seteuid?.(owner.uid);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(group);
    process.umask(umask);
  }
}

/** Of a folder; undefined where there is none yet: who makes it owns it. */
async function ownerOf(folder: string): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  try {
    return await stat(folder);
  } catch (cause) {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    throw cause;
  }
}
