import { once } from 'node:events';
import { type ForkedModule, forkModule } from '../../core/child.ts';
import { WaysideError } from '../../core/errors.ts';

/** A part of the demonstration that runs in a process of its own. */
export type Part = Pick<ForkedModule<never, never>, 'child' | 'lost' | 'end'>;

/** A daemon drains within 8 s. */
const GRACE_MS = 10_000;
const KEPT_STDERR = 4000;

/** Starts a compiled module of the demonstration. */
export function startPart(name: string, module: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Part {
  let said = '';
  const lost = (how: string): WaysideError =>
    new WaysideError('DEMO_FAILED', {
      message: `the ${name} ${how}${said.trim() === '' ? '' : `: ${lastLine(said)}`}`,
    });
  const part = forkModule<never, never>(module, { args, env, stderr: 'pipe', lost });
  const { stderr } = part.child;
  stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_STDERR);
  });
  return {
    ...part,
    async end() {
      await part.end(GRACE_MS);
      stderr?.destroy();
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
