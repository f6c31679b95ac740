import { readFile } from 'node:fs/promises';
import { residentTree } from './tree.ts';

/** The process under `root` whose command line holds `part`, such as the module it was started with; undefined for none. */
export async function findBelow(root: number, part: string): Promise<number | undefined> {
  for (const { pid } of await residentTree(root)) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''); // it may have ended meanwhile
    if (pid !== root && command.replaceAll('\0', ' ').includes(part)) return pid;
  }
  return undefined;
}
