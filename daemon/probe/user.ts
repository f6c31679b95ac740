import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Whom a process runs as. */
export interface SystemUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** A user of this machine, wherever the machine keeps its users; undefined where there is none of the name. */
export async function systemUser(name: string): Promise<SystemUser | undefined> {
  try {
    const { stdout } = await promisify(execFile)('getent', ['passwd', name], { timeout: 10_000 });
    const [, , uid, gid] = stdout.trim().split(':').map(Number);
    return uid === undefined || gid === undefined || Number.isNaN(uid + gid) ? undefined : { name, uid, gid };
  } catch {
    return undefined; // 2: not found; or a machine without getent, which has no users of systemd-sysusers either
  }
}
