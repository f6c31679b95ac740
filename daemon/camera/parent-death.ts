import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { isShortage } from '../../core/shortage.ts';

/**
 * What stands before a command so that the kernel kills it when this process dies (PR_SET_PDEATHSIG), by util-linux's
 * `setpriv`, which every Debian has; nothing where there is none.
 *
 * Without it a decoder ends when it next writes into the broken pipe, which one of a mute camera never does.
 */
export async function parentDeathPrefix(): Promise<readonly string[]> {
  const prefix = ['setpriv', '--pdeathsig', 'KILL'];
  try {
    await promisify(execFile)(prefix[0]!, [...prefix.slice(1), 'true'], { timeout: 10_000 });
    return prefix;
  } catch (thrown) {
    if (isShortage(thrown)) throw thrown; // another time it works: no reason to do without for ever
    return []; // not Linux, or a busybox: the broken pipe has to do
  }
}
