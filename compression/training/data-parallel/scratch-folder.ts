import { rmSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from '../../../core/errors.ts';

const NAME = /^wayside-training-(\d+)-/;

/** Whether a process of this number runs; one of another user does as well. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return !isSystemError(thrown, 'ESRCH');
  }
}

/** Removes what trainings left that were killed between their start and their first step. */
async function sweep(inside: string): Promise<void> {
  for (const name of await readdir(inside)) {
    const pid = Number(NAME.exec(name)?.[1]);
    if (pid > 0 && !isAlive(pid)) await rm(join(inside, name), { recursive: true, force: true }).catch(() => undefined); // another user's
  }
}

interface ScratchFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** A folder of this process, removed at the latest when it ends; one that was killed is swept by the next training. */
export async function scratchFolder(inside: string): Promise<ScratchFolder> {
  await sweep(inside);
  const path = await mkdtemp(join(inside, `wayside-training-${process.pid}-`));
  const atExit = (): void => rmSync(path, { recursive: true, force: true });
  process.once('exit', atExit);
  return {
    path,
    async remove() {
      process.off('exit', atExit);
      await rm(path, { recursive: true, force: true });
    },
  };
}
