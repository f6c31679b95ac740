import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { Exit, type ExitCode, WaysideError } from '../core/errors.ts';
import type { ProgressListener } from '../core/progress.ts';
import { type Paint, paintFor } from '../core/terminal/colour.ts';
import { ProgressBar, type Terminal } from './progress.ts';

/** What a command found out: a document for `--json`, a text for a person. */
interface Outcome {
  readonly document: unknown;
  readonly text: string;
  /** Where the answer of a command that ran is no. @default 0 */
  readonly exit?: ExitCode;
}

/** What every command is given besides its own arguments. */
export interface Context {
  /** Aborted by Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
  readonly onProgress: ProgressListener;
  /** Colours for the text of an outcome. */
  readonly paint: Paint;
  /** True with `--json`: stdout carries the one document and nothing else. */
  readonly json: boolean;
  /** Writes the result to stdout: called once, when the result is known. */
  readonly report: (outcome: Outcome) => void;
  /** Names what stays, where it is there, when the command is stopped: the same command goes on from it. */
  readonly keeps: (path: string) => void;
  /** A remark on stderr that is not part of the result. */
  readonly note: (text: string) => void;
}

type Handler<A extends unknown[]> = (context: Context, ...args: A) => Promise<void>;

/** How often a step that reports nothing is asked whether a line is due. */
const TICK_MS = 1000;

const STOPPING_SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Longer than one signal takes to come twice (`timeout` sends it to the process and to its group, `npm` hands on what the terminal sent as
 * well), shorter than a person takes to press a key again in earnest. */
const ONE_SIGNAL_MS = 250;

/** Turns signals into an abort; a second one does not wait for the work to notice the first. */
function stopOnSignal(controller: AbortController): () => void {
  let first = 0;
  const stop = (): void => {
    if (controller.signal.aborted) {
      if (performance.now() - first > ONE_SIGNAL_MS) process.exit(130);
      return;
    }
    first = performance.now();
    controller.abort(new WaysideError('INTERRUPTED', { message: 'stopped by a signal' }));
  };
  for (const signal of STOPPING_SIGNALS) process.on(signal, stop);
  return () => {
    for (const signal of STOPPING_SIGNALS) process.off(signal, stop);
  };
}

/** What a command that was stopped leaves, truly. */
function interrupted(kept: readonly string[]): WaysideError {
  if (kept.length === 0)
    return new WaysideError('INTERRUPTED', { message: 'stopped by a signal; nothing was left behind' });
  return new WaysideError('INTERRUPTED', {
    message: `stopped by a signal; what was done lies in ${kept.join(', ')}`,
    hint: 'repeat the command to go on from there, or remove it',
  });
}

/** Where progress goes: nowhere where `WAYSIDE_PROGRESS` is `off`. */
const progressStream = (): Terminal =>
  process.env['WAYSIDE_PROGRESS'] === 'off' ? { isTTY: false, write: () => true } : process.stderr;

interface Reporter {
  readonly reported: boolean;
  report(outcome: Outcome): void;
}

function reporter(json: boolean): Reporter {
  let reported = false;
  return {
    get reported() {
      return reported;
    },
    report({ document, text, exit = Exit.ok }) {
      if (reported) throw new WaysideError('INTERNAL', { message: 'a command reported twice' });
      reported = true;
      if (exit !== Exit.ok) process.exitCode = exit;
      process.stdout.write(json ? `${JSON.stringify(document, null, 2)}\n` : `${text}\n`);
    },
  };
}

/**
 * A commander action from a handler. An abort becomes an INTERRUPTED error, except for a command that serves until it is
 * stopped: for it, once it has begun to serve, being stopped is how it ends well.
 */
export function running<A extends unknown[]>(
  handler: Handler<A>,
  { serves = false }: { readonly serves?: boolean } = {},
): (...args: [...A, Command]) => Promise<void> {
  return async (...given) => {
    const command = given.at(-1) as Command;
    const args = given.slice(0, -1) as A;
    const json = command.opts<{ json?: boolean }>().json === true;
    const controller = new AbortController();
    const bar = new ProgressBar(progressStream(), paintFor(process.stderr));
    const ticking = setInterval(bar.tick, TICK_MS).unref();
    const release = stopOnSignal(controller);
    const output = reporter(json);
    let completed = false;
    const kept: string[] = [];
    try {
      await handler(
        {
          signal: controller.signal,
          onProgress: bar.listen,
          paint: paintFor(process.stdout),
          json,
          report: (outcome) => {
            bar.end(true);
            output.report(outcome);
          },
          keeps: (path) => void kept.push(path),
          note: (text) => process.stderr.write(`${text}\n`),
        },
        ...args,
      );
      if (!serves) controller.signal.throwIfAborted();
      completed = true;
    } catch (thrown) {
      if (!controller.signal.aborted) throw thrown;
      if (!serves || !output.reported) throw interrupted(kept.filter((path) => existsSync(path)));
    } finally {
      clearInterval(ticking);
      bar.end(completed);
      release();
    }
  };
}
