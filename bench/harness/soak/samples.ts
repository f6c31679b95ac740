import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { slope } from '../../../core/statistics.ts';
import { type ResidentProcess, residentTree } from '../process/tree.ts';

/** What a process of the daemon is for. */
export type Role = 'supervisor' | 'inference' | 'decoder' | 'other';

/** One process at one moment; bytes. */
export interface ProcessSample {
  readonly role: Role;
  readonly resident: number;
  /** Shared pages divided among those that share them; 0 where the kernel does not tell. */
  readonly proportional: number;
  /** Of the resident: what is the process' own, and what it shows of files, which the kernel may take back and bring again. */
  readonly anonymous: number;
  readonly ofFiles: number;
  readonly descriptors: number;
  readonly cpuSeconds: number;
}

export interface Sample {
  readonly minute: number;
  readonly processes: readonly ProcessSample[];
}

const text = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => ''); // it may have ended meanwhile

const bytesIn = (report: string, field: string): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(report)?.[1] ?? 0) * 1024;

async function sampleProcess(root: number, { pid, resident, cpuSeconds }: ResidentProcess): Promise<ProcessSample> {
  const [command, rollup, status, descriptors] = await Promise.all([
    text(`/proc/${pid}/cmdline`),
    text(`/proc/${pid}/smaps_rollup`),
    text(`/proc/${pid}/status`),
    readdir(`/proc/${pid}/fd`).catch(() => []),
  ]);
  const role =
    pid === root
      ? 'supervisor'
      : command.includes('daemon/inference/process')
        ? 'inference'
        : command.includes('ffmpeg')
          ? 'decoder'
          : 'other';
  return {
    role,
    resident,
    proportional: bytesIn(rollup, 'Pss'),
    anonymous: bytesIn(status, 'RssAnon'),
    ofFiles: bytesIn(status, 'RssFile'),
    descriptors: descriptors.length,
    cpuSeconds,
  };
}

/** Every living process of a tree, now. */
export const sampleNow = async (root: number): Promise<ProcessSample[]> =>
  Promise.all((await residentTree(root)).map((living) => sampleProcess(root, living)));

/** Looks at every process of a tree until the signal aborts. */
export async function sampleTree(root: number, everyMs: number, until: AbortSignal): Promise<Sample[]> {
  const samples: Sample[] = [];
  const started = performance.now();
  while (!until.aborted) {
    samples.push({ minute: (performance.now() - started) / 60_000, processes: await sampleNow(root) });
    await delay(everyMs, undefined, { signal: until }).catch(() => undefined); // the end is no failure
  }
  return samples;
}

/** One number of every sample, in time. Samples without a process of that kind have none. */
export function seriesOf(
  samples: readonly Sample[],
  of: (sample: Sample) => number | undefined,
): (readonly [minute: number, value: number])[] {
  return samples.flatMap((sample) => {
    const value = of(sample);
    return value === undefined ? [] : [[sample.minute, value] as const];
  });
}

/**
 * The least value of every window: what is held, without what waits to be collected. Windows that the series does not fill are left out.
 *
 * @returns the middle of each window, and its minimum
 */
export function windowMinima(
  series: readonly (readonly [minute: number, value: number])[],
  windowMinutes: number,
): (readonly [minute: number, value: number])[] {
  const start = series[0]?.[0] ?? 0;
  const end = series.at(-1)?.[0] ?? 0;
  const minima: (readonly [number, number])[] = [];
  for (let from = start; from + windowMinutes <= end + 1e-9; from += windowMinutes) {
    const inside = series.filter(([minute]) => minute >= from && minute < from + windowMinutes);
    if (inside.length > 0) minima.push([from + windowMinutes / 2, Math.min(...inside.map(([, value]) => value))]);
  }
  return minima;
}

/** Units an hour that the minima of windows grow by; NaN for fewer than two windows. */
export const growthPerHour = (
  series: readonly (readonly [minute: number, value: number])[],
  windowMinutes: number,
): number => 60 * slope(windowMinima(series, windowMinutes));
