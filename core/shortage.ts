import { readFileSync } from 'node:fs';
import { isSystemError, messageOf } from './errors.ts';

/** How many files this process may have open; undefined where the system does not tell (no /proc) or sets no limit. */
export function fileLimit(): number | undefined {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined; // no /proc, or no descriptor left to read it with: the limit is not known
  }
}

/** The message of a system error; where the system ran out of something, what that is and who sets the limit. */
export function explainShortage(thrown: unknown): string {
  const message = messageOf(thrown);
  if (isSystemError(thrown, 'EMFILE')) {
    const limit = fileLimit();
    const many = limit === undefined ? '' : `: ${limit} are allowed`;
    return `${message}: no file descriptor is left${many} (LimitNOFILE= in the unit, or ulimit -n)`;
  }
  if (isSystemError(thrown, 'ENFILE')) return `${message}: the machine has no file descriptor left (fs.file-max)`;
  if (isSystemError(thrown, 'EAGAIN'))
    return `${message}: no further process is allowed (TasksMax= in the unit, or ulimit -u)`;
  if (isSystemError(thrown, 'ENOMEM')) return `${message}: no memory is left`;
  return message;
}

/** Whether it is the machine that lacks something, and not what was asked for that is wrong. */
export const isShortage = (thrown: unknown): boolean => isSystemError(thrown, 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM');
