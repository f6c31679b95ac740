import { type ChildProcess, fork } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { asWaysideError, type ErrorCode, WaysideError } from './errors.ts';
import { compiledModule } from './layout.ts';

/** What a child answers a question with: an error that crosses a channel between processes is no WaysideError any more. */
type Reply<Answer> =
  | { readonly answer: Answer }
  | { readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint?: string | undefined } };

interface ForkOptions {
  /** Made of how it ended where nobody had told it to. */
  readonly lost: (how: string) => WaysideError;
  readonly args?: readonly string[];
  /** Beside the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** In its place: for a child that has no business with what may be in it. */
  readonly bareEnv?: NodeJS.ProcessEnv;
  /** Whom it runs as, without further groups; takes a privilege. Its folder is `/` then: it may not enter ours. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** `pipe`: whoever starts it reads `child.stderr`. @default 'inherit' */
  readonly stderr?: 'inherit' | 'pipe';
  /** Kills it; a question under way rejects with the AbortError. */
  readonly signal?: AbortSignal | undefined;
}

/** A module of ours that runs in a process of its own. */
export interface ForkedModule<Question, Answer> {
  readonly child: ChildProcess;
  /** Rejects when the process ends before it was told to; never resolves. */
  readonly lost: Promise<never>;
  /** One question at a time. @throws {WaysideError} what the child failed with, or `lost` */
  ask(question: Question): Promise<Answer>;
  /** Closes the channel, by which it ends in order; kills it after `graceMs`. Resolves when it is gone. */
  end(graceMs?: number): Promise<void>;
}

/**
 * Starts a compiled module with a channel to it, as in `forkModule('inference/latency-probe', ...)`. The channel is also the
 * link to its parent: the child ends when it closes, which the kernel does even where this process is killed.
 */
export function forkModule<Question, Answer>(module: string, options: ForkOptions): ForkedModule<Question, Answer> {
  const { args = [], env, bareEnv, user, stderr = 'inherit', signal } = options;
  const child = fork(compiledModule(module), [...args], {
    execArgv: [],
    serialization: 'advanced', // typed arrays, NaN and undefined arrive as they left
    stdio: ['ignore', 'ignore', stderr, 'ipc'],
    killSignal: 'SIGKILL',
    ...((env ?? bareEnv) && { env: { ...(bareEnv ?? process.env), ...env } }),
    ...(user && { ...user, cwd: '/' }),
    ...(signal && { signal }),
  });
  // Not a race of each answer with the promise `lost`: that promise would keep every answer that ever won against it.
  let asked: { readonly resolve: (reply: Reply<Answer>) => void; readonly reject: (error: Error) => void } | undefined;
  let gone: Error | undefined;
  let ending = false;
  let rejectLost: (error: Error) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => {
    rejectLost = reject;
  });
  lost.catch(() => undefined); // given to the caller as `lost`
  const leave = (error: Error): void => {
    gone ??= error;
    asked?.reject(gone);
    if (!ending) rejectLost(gone);
  };
  child.on('message', (reply: Reply<Answer>) => asked?.resolve(reply));
  const exited = new Promise<void>((resolve) => {
    child.on('error', (error) => {
      leave(signal?.aborted === true ? error : options.lost(`could not be reached: ${error.message}`));
      if (child.pid === undefined) resolve(); // it never began, and will not end
    });
    child.once('exit', (code, by) => {
      leave(options.lost(`ended by itself (${by ?? code})`));
      resolve();
    });
  });
  return {
    child,
    lost,
    async ask(question) {
      const reply = await new Promise<Reply<Answer>>((resolve, reject) => {
        if (gone !== undefined) return reject(gone);
        asked = { resolve, reject };
        child.send(question as object, (error) => {
          if (error) leave(options.lost(`could not be reached: ${error.message}`));
        });
      });
      if ('answer' in reply) return reply.answer;
      const { code, message, hint } = reply.error;
      throw new WaysideError(code, { message, ...(hint !== undefined && { hint }) });
    },
    async end(graceMs) {
      ending = true;
      if (child.connected) child.disconnect();
      const timer = graceMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

/** Asks a fresh process one question. @throws as `ForkedModule.ask` */
export async function askModule<Question, Answer>(
  module: string,
  question: Question,
  options: ForkOptions,
): Promise<Answer> {
  const forked = forkModule<Question, Answer>(module, options);
  try {
    return await forked.ask(question);
  } finally {
    await forked.end();
  }
}

/**
 * The child's half: answers every question, one after the other, where `url` (an `import.meta.url`) is the module that this process
 * was started with; nothing elsewhere. The process ends with its parent, and only then: a terminal interrupts both, and ending
 * in order is the parent's business.
 */
export function answerParent<Question, Answer>(url: string, answer: (question: Question) => Promise<Answer>): void {
  const started = process.argv[1];
  if (started === undefined || url !== pathToFileURL(started).href) return;
  if (!process.connected) process.exit(); // nobody to answer: the parent was gone before this was reached
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.once('disconnect', () => process.exit());
  const reply = (given: Reply<Answer>): void => {
    if (process.connected) process.send?.(given, (error: Error | null) => error && process.exit()); // nobody waits any more
  };
  process.on('message', (question: Question) => {
    answer(question).then(
      (given) => reply({ answer: given }),
      (thrown: unknown) => {
        const { code, message, hint } = asWaysideError(thrown);
        reply({ error: { code, message, hint } });
      },
    );
  });
}
