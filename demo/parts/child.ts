import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { WaysideError } from '../../core/errors.ts';
import { compiledModule } from '../../core/layout.ts';

/** A part of the demonstration that runs in a process of its own. */
export interface Part {
  readonly child: ChildProcess;
  /** Rejects when the process ends before it was told to; never resolves. */
  readonly lost: Promise<never>;
  /** Lets it end in order, and kills it after `graceMs`. Resolves when it is gone. */
  end(): Promise<void>;
}

/** A daemon drains within 8 s. */
const GRACE_MS = 10_000;
const KEPT_STDERR = 4000;

/**
 * Starts a compiled module with a channel to it. The channel is also the leash: the child ends when it closes, which the
 * kernel does even where this process is killed.
 */
export function startPart(
  name: string,
  module: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Part {
  const child = fork(compiledModule(module), [...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: { ...process.env, ...environment },
    execArgv: [],
  });
  let said = '';
  let ending = false;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_STDERR);
  });
  const gone = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const lost = gone.then((how): Promise<never> => {
    if (ending) return new Promise<never>(() => undefined);
    throw new WaysideError('DEMO_FAILED', {
      message: `the ${name} ended by itself (${how})${said.trim() === '' ? '' : `: ${lastLine(said)}`}`,
    });
  });
  lost.catch(() => undefined); // given to the caller as `lost`
  return {
    child,
    lost,
    async end() {
      ending = true;
      if (child.exitCode === null && child.signalCode === null) {
        if (child.connected) child.disconnect();
        const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
        await gone;
        clearTimeout(timer);
      }
      child.stderr?.destroy();
    },
  };
}

/** The error a part printed last, where it printed one; `hint:` lines and logs aside. */
function lastLine(text: string): string {
  const lines = text.trim().split('\n');
  return lines.findLast((line) => line.startsWith('error ')) ?? lines.at(-1) ?? '';
}

/** Resolves with the first message that `choose` accepts; rejects when the part is lost before, or the signal aborts. */
export async function firstMessage<T, R>(
  part: Part,
  choose: (message: T) => R | undefined,
  signal: AbortSignal,
): Promise<R> {
  const found = new Promise<R>((resolve, reject) => {
    const listen = (message: unknown): void => {
      try {
        const chosen = choose(message as T);
        if (chosen === undefined) return;
        part.child.off('message', listen);
        resolve(chosen);
      } catch (cause) {
        reject(cause);
      }
    };
    part.child.on('message', listen);
  });
  const aborted = once(signal, 'abort').then(() => Promise.reject(signal.reason));
  aborted.catch(() => undefined);
  signal.throwIfAborted();
  return Promise.race([found, part.lost, aborted]);
}
