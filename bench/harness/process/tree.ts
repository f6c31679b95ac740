import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

/** `sysconf(_SC_CLK_TCK)`: 100 on every Linux that Node runs on (USER_HZ, proc(5)). */
const TICKS_PER_SECOND = 100;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  /** Own time, and that of children that ended and were waited for: proc(5) stat fields 14 to 17. */
  readonly ownTicks: number;
  readonly waitedTicks: number;
}

/** Undefined when the process ended meanwhile: a snapshot of a living system has such holes. */
async function readStat(pid: number): Promise<ProcessStat | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const close = text.lastIndexOf(')'); // field 2, the name of the thread, may hold parentheses and spaces
  const fields = text
    .slice(close + 2)
    .split(' ')
    .map(Number); // fields[0] is field 3
  const ticks = (field: number): number => fields[field - 3] ?? 0;
  return {
    pid,
    parent: ticks(4),
    ownTicks: ticks(14) + ticks(15),
    waitedTicks: ticks(16) + ticks(17),
  };
}

async function allStats(): Promise<ProcessStat[]> {
  const pids = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry)).map(Number);
  return (await Promise.all(pids.map(readStat))).filter((stat) => stat !== undefined);
}

/** `root` and everything below it that lives now. */
async function tree(root: number): Promise<ProcessStat[]> {
  const stats = await allStats();
  const found = stats.filter(({ pid }) => pid === root);
  for (let i = 0; i < found.length; i++) {
    found.push(...stats.filter(({ parent }) => parent === found[i]?.pid));
  }
  return found;
}

/**
 * CPU seconds, user and system, that `root` and its descendants have used since they started, including children that
 * have ended and were waited for. Resolution 10 ms a process.
 */
export async function cpuSeconds(root: number): Promise<number> {
  const ticks = (await tree(root)).reduce((sum, stat) => sum + stat.ownTicks + stat.waitedTicks, 0);
  return ticks / TICKS_PER_SECOND;
}

/** CPU seconds of the children of this process that have ended, with all of theirs. Exact where one child runs at a time. */
export async function waitedSeconds(): Promise<number> {
  return ((await readStat(process.pid))?.waitedTicks ?? 0) / TICKS_PER_SECOND;
}

/** A field of `/proc/PID/status` given in kB, as bytes; 0 when the process ended meanwhile. */
async function statusBytes(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
}

/**
 * The file that a process runs. Field 2 of `stat` is the main *thread's* name, which a program may change: Node 24 and
 * later call themselves `MainThread` or `node-MainThread` there.
 */
const programOf = (pid: number): Promise<string> =>
  readlink(`/proc/${pid}/exe`).then(
    (path) => basename(path).replace(/ \(deleted\)$/, ''),
    () => '', // it ended meanwhile
  );

export interface ResidentProcess {
  readonly pid: number;
  /** Of the program it runs: `node`, `ffmpeg`. */
  readonly name: string;
  /** VmRSS, bytes: pages shared with other processes are counted in each. */
  readonly resident: number;
  readonly cpuSeconds: number;
}

/** Every living process of the tree with its resident memory. */
export async function residentTree(root: number): Promise<ResidentProcess[]> {
  const stats = await tree(root);
  return Promise.all(
    stats.map(async ({ pid, ownTicks }) => ({
      pid,
      name: await programOf(pid),
      resident: await statusBytes(pid, 'VmRSS'),
      cpuSeconds: ownTicks / TICKS_PER_SECOND,
    })),
  );
}

/** Sum of the highest resident sizes that the living processes of the tree have had: bytes. */
export async function peakResident(root: number): Promise<number> {
  const peaks = await Promise.all((await tree(root)).map(({ pid }) => statusBytes(pid, 'VmHWM')));
  return peaks.reduce((sum, peak) => sum + peak, 0);
}
