import { type Command, CommanderError } from 'commander';
import {
  asWaysideError,
  Exit,
  type ExitCode,
  formatError,
  isSystemError,
  SeveralErrors,
  type WaysideError,
} from '../core/errors.ts';
import { isJournal } from '../core/journal/is-journal.ts';
import { paintFor } from '../core/terminal/colour.ts';
import { usageError } from './usage-errors.ts';

/** A reader that has seen enough (`wayside inspect ... | head`) is no fault: stop without a word. */
function stopQuietlyWhenNobodyReads(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if (isSystemError(error, 'EPIPE')) process.exit();
      throw error;
    });
  }
}

function printError(error: WaysideError, json: boolean): void {
  if (json) {
    const document = ({ code, message, hint }: WaysideError): object => ({ code, message, hint: hint ?? null });
    const all = error instanceof SeveralErrors ? { errors: error.errors.map(document) } : {};
    process.stdout.write(`${JSON.stringify({ error: document(error), ...all }, null, 2)}\n`);
  }
  const paint = paintFor(process.stderr);
  const priority = isJournal(process.env) ? '<3>' : ''; // of a unit's ExecReload as well: sd-daemon(3), SD_ERR
  for (const each of error instanceof SeveralErrors ? error.errors : [error]) {
    const [first = '', ...rest] = formatError(each).split('\n');
    const coloured = first.replace(/^error [A-Z_]+:/, (prefix) => paint('red', prefix));
    const lines = [coloured, ...rest.map((line) => line.replace(/^hint:/, paint('cyan', 'hint:')))];
    process.stderr.write(lines.map((line) => `${priority}${line}\n`).join(''));
  }
  if (process.env['WAYSIDE_DEBUG'] === '1') process.stderr.write(`${stackOf(error)}\n`);
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined
    ? (error.stack ?? error.message)
    : `${error.stack}\ncaused by: ${stackOf(error.cause)}`;
}

async function outcomeOf(create: () => Command, argv: readonly string[]): Promise<ExitCode> {
  try {
    await create().parseAsync(argv);
    return Exit.ok;
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return Exit.ok; // --help, --version
    const error = thrown instanceof CommanderError ? usageError(thrown) : asWaysideError(thrown);
    printError(error, argv.includes('--json'));
    return error.exitCode;
  }
}

/**
 * Runs one command line of a program and sets the exit code of the process: 0, or that of the error's code (docs/reference/errors.md).
 *
 * The process then ends by itself: an early `process.exit` would cut off output still on its way to a pipe.
 */
export async function runProgram(create: () => Command, argv: readonly string[]): Promise<void> {
  stopQuietlyWhenNobodyReads();
  process.on('uncaughtException', (thrown) => {
    const error = asWaysideError(thrown);
    printError(error, argv.includes('--json'));
    process.exit(error.exitCode);
  });
  // Node ends with 13 when nothing can settle what is awaited any more: the event loop ran dry in the middle of the work.
  process.on('exit', (code) => {
    if (code !== 13) return;
    const error = asWaysideError(new Error('the command came to a standstill before its work was done'));
    printError(error, argv.includes('--json'));
    process.exitCode = error.exitCode;
  });
  const exit = await outcomeOf(create, argv);
  process.exitCode ??= exit;
}
