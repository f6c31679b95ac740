import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { redactUrls } from '../../../core/log.ts';

/** A program that runs until it is told to end. */
export interface RunningProgram {
  readonly pid: number;
  /** Resolves with what it ended with when it ends, for whatever reason. */
  readonly ended: Promise<string>;
  /** The last lines it wrote to stderr, without credentials. */
  lastWords(): string;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, SIGKILL after `patienceMs`; resolves when it is gone. */
  stop(patienceMs?: number): Promise<void>;
}

const KEPT_CHARACTERS = 4000;

interface ProgramOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** @throws {Error} when the program cannot be started */
export async function startProgram(
  path: string,
  args: readonly string[],
  { cwd, env = {} }: ProgramOptions,
): Promise<RunningProgram> {
  const child: ChildProcess = spawn(path, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let words = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-KEPT_CHARACTERS);
  });
  const ended = once(child, 'exit').then(([code, signal]) => `${code ?? signal}`);
  await once(child, 'spawn');
  const { pid } = child;
  if (pid === undefined) throw new Error(`${path} has no process id`);
  return {
    pid,
    ended,
    lastWords: () => redactUrls(words.trim()),
    kill: (signal) => void child.kill(signal),
    async stop(patienceMs = 15_000) {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
      await ended;
      clearTimeout(timer);
    },
  };
}
