import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from '../../core/errors.ts';
import type { SystemUser } from '../probe/user.ts';

/** Owner and mode of a file or folder. */
interface Owned {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

const READ = 0o4;
const WRITE = 0o2;
const ENTER = 0o1;

/** Whether a user may do all of something, by owner and mode; root is asked nothing by the kernel. */
export function may({ mode, uid, gid }: Owned, user: { uid: number; gids: readonly number[] }, what: number): boolean {
  if (user.uid === 0) return true;
  const shift = uid === user.uid ? 6 : user.gids.includes(gid) ? 3 : 0;
  return ((mode >> shift) & what) === what;
}

interface StoreUsers {
  /** Reads models. */
  readonly daemon: SystemUser;
  /** Writes all but what came with the software. */
  readonly agent: SystemUser;
}

/** A path of a store that somebody needs and may not use, with its owner and mode. */
export interface Denied extends Owned {
  readonly path: string;
}

interface StoreAccess {
  readonly unwritable: readonly Denied[];
  readonly unreadable: readonly Denied[];
}

/** What the daemon reads; `downloads` and `tuf` are the agent's alone. */
const READ_BY_DAEMON: readonly string[] = ['models', 'factory'];
/** What the agent writes; others may lie there as well, as `lost+found` does. */
const WRITTEN_BY_AGENT: readonly string[] = ['store.json', 'models', 'downloads', 'tuf'];

/** Undefined where it is gone: the agent removes and renames while this looks. */
const whereThere = <T>(found: Promise<T>): Promise<T | undefined> =>
  found.catch((cause: unknown) => {
    if (isSystemError(cause, 'ENOENT')) return undefined;
    throw cause;
  });

/** What of a store its users may not use. Links are not followed: `factory` is one to where the software lies. */
export async function storeAccess(root: string, { daemon, agent }: StoreUsers): Promise<StoreAccess> {
  const unwritable: Denied[] = [];
  const unreadable: Denied[] = [];
  const reads = { uid: daemon.uid, gids: [daemon.gid] };
  // The unit of the agent has the group of the daemon.
  const writes = { uid: agent.uid, gids: [agent.gid, daemon.gid] };
  const look = async (path: string, written: boolean, read: boolean): Promise<void> => {
    const found = await whereThere(lstat(path));
    if (found === undefined || found.isSymbolicLink()) return;
    const { mode, uid, gid } = found;
    const enter = found.isDirectory() ? ENTER : 0;
    if (written && !may(found, writes, READ | WRITE | enter)) unwritable.push({ path, mode, uid, gid });
    if (read && !may(found, reads, READ | enter)) unreadable.push({ path, mode, uid, gid });
    if (!found.isDirectory()) return;
    for (const name of (await whereThere(readdir(path))) ?? []) await look(join(path, name), written, read);
  };
  const { mode, uid, gid } = await lstat(root);
  if (!may({ mode, uid, gid }, writes, READ | WRITE | ENTER)) unwritable.push({ path: root, mode, uid, gid });
  if (!may({ mode, uid, gid }, reads, READ | ENTER)) unreadable.push({ path: root, mode, uid, gid });
  for (const name of await readdir(root))
    await look(join(root, name), WRITTEN_BY_AGENT.includes(name), READ_BY_DAEMON.includes(name));
  return { unwritable, unreadable };
}
