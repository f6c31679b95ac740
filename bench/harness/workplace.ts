import { existsSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import type { Need } from './need.ts';

/** Where a benchmark finds its data and puts what it makes. */
export interface Workplace {
  /** The folder of test data; read only. */
  readonly data: string;
  /** Kept between runs: unpacked data, scaled clips, the peers' packages. */
  readonly cache: string;
  /** Empty at the start of a benchmark, removed after it. */
  readonly scratch: string;
  /** Length of `soak`, and of the endurance part of `rtsp`. */
  readonly minutes: number;
  readonly signal: AbortSignal;
  /** One line of progress for a person. */
  say(text: string): void;
}

/** The folder of test data: `WAYSIDE_SHARED_DATA`, or `shared/data` beside the checkout. */
export function sharedDataFolder(): string | undefined {
  const folder = process.env.WAYSIDE_SHARED_DATA ?? join(PACKAGE_ROOT, '..', 'shared', 'data');
  return existsSync(join(folder, 'README.md')) ? folder : undefined;
}

/** Absolute path of a program on the PATH. Daemons live in `/usr/sbin`, which the PATH of a plain user leaves out. */
export async function findProgram(name: string): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  for (const folder of folders.filter((entry) => entry !== '')) {
    const path = join(folder, name);
    if (
      await access(path, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  return undefined;
}

/** What of `needs` this machine lacks, as a sentence for a person; undefined when it has everything. */
export async function missingOf(needs: readonly Need[]): Promise<string | undefined> {
  const missing: string[] = [];
  for (const need of needs) {
    if (need === 'shared-data') {
      if (sharedDataFolder() === undefined) missing.push('the test data (set WAYSIDE_SHARED_DATA to its folder)');
    } else if ((await findProgram(need)) === undefined) missing.push(`the program ${need}`);
  }
  return missing.length === 0 ? undefined : `needs ${missing.join(' and ')}`;
}

/** `.cache/bench` of the checkout. */
export async function cacheFolder(): Promise<string> {
  const folder = join(PACKAGE_ROOT, '.cache', 'bench');
  await mkdir(folder, { recursive: true });
  return folder;
}
