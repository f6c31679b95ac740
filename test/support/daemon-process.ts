import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { descendantsOf } from '../../daemon/telemetry/descendants.ts';
import { until } from './until.ts';

/** True while a process runs; a zombie does not. */
export function runs(pid: number): boolean {
  const path = `/proc/${pid}/stat`;
  return existsSync(path) && !/\) Z /.test(readFileSync(path, 'utf8'));
}

/** The daemon as it runs on a box: the command line, in a process of its own. */
export class DaemonProcess {
  readonly child: ChildProcess;
  /** Everything it wrote to stderr. */
  log = '';
  /** Every process that was seen below it. */
  readonly #seen = new Set<number>();

  /** @param before stands before its command */
  constructor(config: string, environment: NodeJS.ProcessEnv = {}, before: readonly string[] = []) {
    const command = [
      ...before,
      process.execPath,
      join(PACKAGE_ROOT, 'bin', 'wayside.js'),
      'daemon',
      '--config',
      config,
    ];
    const [program = '', ...args] = command;
    this.child = spawn(program, args, {
      stdio: ['ignore', 'inherit', 'pipe'],
      env: { ...process.env, WAYSIDE_LOG: 'debug', ...environment },
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the daemon did not start');
    return this.child.pid;
  }

  /** All processes below it now. */
  below(): number[] {
    const pids = descendantsOf(this.pid);
    for (const pid of pids) this.#seen.add(pid);
    return pids;
  }

  /**
   * The inference process: of all children, the one that runs the compiled module.
   *
   * @param dir of the package, where those of one are meant
   */
  inferencePids(dir = ''): number[] {
    return this.below().filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return line.includes('daemon/inference/process') && line.includes(dir);
      } catch {
        return false; // ended meanwhile
      }
    });
  }

  /** Ends it with a signal. @returns exit code, or the signal that ended it */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    this.below();
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill(signal);
      await once(this.child, 'exit');
    }
    return this.child.exitCode ?? this.child.signalCode;
  }

  /** Waits until nothing it ever started is left. */
  async leavesNothing(withinMs = 10_000): Promise<void> {
    await until('all children of the daemon to be gone', () => [...this.#seen].every((pid) => !runs(pid)), withinMs);
  }
}
