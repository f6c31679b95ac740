import { readdir, readlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Box, systemText } from './box.ts';

export interface RunningProcess {
  readonly pid: number;
  readonly role: 'daemon' | 'agent';
  /** Absolute path of its configuration. */
  readonly config: string;
  /** ms since the epoch; undefined where the kernel does not tell. */
  readonly startedAt: number | undefined;
}

/** USER_HZ, the unit of times in /proc, is 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

/** Daemon and agent as they run now, by their command lines. */
export async function runningProcesses(box: Pick<Box, 'root'>): Promise<readonly RunningProcess[]> {
  const names = await readdir(join(box.root, 'proc')).catch(() => []);
  const boot = Number(/^btime (\d+)$/m.exec((await systemText(box, 'proc/stat')) ?? '')?.[1]);
  const found: RunningProcess[] = [];
  for (const name of names.filter((each) => /^\d+$/.test(each))) {
    const command = ((await systemText(box, `proc/${name}/cmdline`)) ?? '').split('\0');
    const at = command.findIndex((argument) => /(?:^|\/)wayside(?:\.js)?$/.test(argument));
    const role = at < 0 ? undefined : command[at + 1];
    if ((role !== 'daemon' && role !== 'agent') || command.includes('--check') || command.includes('--reload'))
      continue;
    // The name of the program, in parentheses, may hold spaces.
    const fields = ((await systemText(box, `proc/${name}/stat`)) ?? '').replace(/^.*\) /s, '').split(' ');
    const startedAt = (boot + Number(fields[19]) / TICKS_PER_SECOND) * 1000;
    found.push({
      pid: Number(name),
      role,
      config: await configOf(box, name, role, command),
      startedAt: Number.isNaN(startedAt) ? undefined : startedAt,
    });
  }
  return found;
}

const DEFAULTS = { daemon: '/etc/wayside/wayside.yaml', agent: '/etc/wayside/agent.yaml' } as const;

async function configOf(
  { root }: Pick<Box, 'root'>,
  pid: string,
  role: RunningProcess['role'],
  command: readonly string[],
): Promise<string> {
  const at = command.findIndex((argument) => argument === '--config' || argument === '-c');
  const joined = command.find((argument) => argument.startsWith('--config='))?.slice('--config='.length);
  const named = joined ?? (at < 0 ? undefined : command[at + 1]);
  if (named === undefined) return DEFAULTS[role];
  const folder = await readlink(join(root, 'proc', pid, 'cwd')).catch(() => '/');
  return resolve(folder, named);
}
