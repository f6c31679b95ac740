import { ERROR_CODES, type ErrorCode, Exit, type ExitCode } from './error-codes.ts';

interface ErrorDetails {
  /** What happened, with what was expected and what was found. One line, no secrets. */
  readonly message: string;
  /** What the reader can do about it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The only error Wayside throws on purpose: thrown where the fact is known, printed once at the edge. */
export class WaysideError extends Error {
  override readonly name = 'WaysideError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, { message, hint, cause }: ErrorDetails) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.hint = hint;
  }

  get exitCode(): ExitCode {
    return ERROR_CODES[this.code].exit;
  }
}

/** Several at once, where each can be put right by itself: the first speaks for all, all are printed. */
export class SeveralErrors extends WaysideError {
  readonly errors: readonly WaysideError[];
  readonly #exitCode: ExitCode;

  /** @param errors at least one */
  constructor(errors: readonly WaysideError[], exitCode: ExitCode) {
    const [first] = errors;
    super(first?.code ?? 'INTERNAL', {
      message: first?.message ?? 'nothing was said to be wrong',
      ...(first?.hint === undefined ? {} : { hint: first.hint }),
    });
    this.errors = errors;
    this.#exitCode = exitCode;
  }

  override get exitCode(): ExitCode {
    return this.#exitCode;
  }
}

/** The message of anything thrown, for use inside another message. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** True for a Node system error with the given code, such as `ENOENT`. */
export function isSystemError(thrown: unknown, ...codes: readonly string[]): thrown is NodeJS.ErrnoException {
  return thrown instanceof Error && 'code' in thrown && codes.includes(String(thrown.code));
}

/** Turns whatever was thrown into a WaysideError; an abort becomes INTERRUPTED, anything unforeseen INTERNAL. */
export function asWaysideError(thrown: unknown): WaysideError {
  if (thrown instanceof WaysideError) return thrown;
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new WaysideError('INTERRUPTED', { message: 'stopped before it was finished', cause: thrown });
  }
  if (isSystemError(thrown, 'EMFILE', 'ENFILE')) {
    return new WaysideError('RESOURCES_SHORT', {
      message: messageOf(thrown),
      hint: 'raise LimitNOFILE= in the unit, or `ulimit -n`; ENFILE: fs.file-max of the machine',
      cause: thrown,
    });
  }
  return new WaysideError('INTERNAL', {
    message: messageOf(thrown),
    hint: 'this is a fault in Wayside: run again with WAYSIDE_DEBUG=1 and report what it prints',
    cause: thrown,
  });
}

/** Two lines at most, as printed on stderr: `error CODE: message` and `hint: ...`. */
export function formatError(error: WaysideError): string {
  const hint = error.hint === undefined ? '' : `\nhint: ${error.hint}`;
  return `error ${error.code}: ${error.message}${hint}`;
}

export type { ErrorCode, ExitCode };
export { Exit };
