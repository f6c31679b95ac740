import { readdir, readFile } from 'node:fs/promises';

export interface ProcessSeen {
  readonly pid: number;
  /** As every user of the machine can read it, arguments apart by spaces. */
  readonly command: string;
  readonly environment: string;
}

const contentOf = (path: string): Promise<string> =>
  readFile(path, 'latin1').then(
    (text) => text.replaceAll('\0', ' '),
    () => '', // it ended meanwhile
  );

/** The running children of a process, from /proc; dead ones that nobody waited for yet are left out. */
export async function childrenOf(parent: number): Promise<ProcessSeen[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const seen = await Promise.all(
    pids.map(async (pid) => {
      const [, state, ppid] = /\) (\S) (\d+)/.exec(await contentOf(`/proc/${pid}/stat`)) ?? [];
      if (Number(ppid) !== parent || state === 'Z') return [];
      const [command, environment] = await Promise.all([
        contentOf(`/proc/${pid}/cmdline`),
        contentOf(`/proc/${pid}/environ`),
      ]);
      return [{ pid: Number(pid), command, environment }];
    }),
  );
  return seen.flat();
}

/** True while the process runs, also when it is nobody's child any more. */
export async function isRunning(pid: number): Promise<boolean> {
  const state = /\) (\S) /.exec(await contentOf(`/proc/${pid}/stat`))?.[1];
  return state !== undefined && state !== 'Z';
}
