import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { PACKAGE_ROOT } from '../../core/layout.ts';

export interface Run {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningWayside {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly done: Promise<Run>;
}

export interface WaysideOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts the real `wayside`, as `npx wayside` would; without progress, which depends on how long things take. */
export function startWayside(args: readonly string[], { cwd, env }: WaysideOptions = {}): RunningWayside {
  const child = spawn(process.execPath, [join(PACKAGE_ROOT, 'bin', 'wayside.js'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { WAYSIDE_PROGRESS: 'off', ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const finish = async (): Promise<Run> => {
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { exit: child.exitCode, stdout, stderr };
  };
  return { child, done: finish() };
}

/** Runs `wayside` to its end. */
export const runWayside = (args: readonly string[], options?: WaysideOptions): Promise<Run> =>
  startWayside(args, options).done;
