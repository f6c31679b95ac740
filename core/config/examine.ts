import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { messageOf, WaysideError } from '../errors.ts';
import { explain } from './explain.ts';
import { pathText, positionOf } from './position.ts';

/** More than this is no configuration of a box: refused before it is parsed. */
const MAX_BYTES = 1 << 20;

/**
 * @param file the name to print in front of line and column
 * @throws {WaysideError} CONFIG_INVALID
 */
export function parseConfig<T>(text: string, file: string, schema: z.ZodType<T>): T {
  const { config, problems } = examineConfig(text, file, schema);
  if (config !== undefined) return config;
  const [first, ...others] = problems;
  if (first === undefined) throw invalid(`${file}: refused`);
  if (others.length === 0) throw first;
  throw invalid(`${first.message} (and ${others.length} more)`, first.hint);
}

export interface Examined<T> {
  /** Absent when there are problems. */
  readonly config?: T;
  /** What stands in the file, as far as it is YAML. */
  readonly data: unknown;
  /** CONFIG_INVALID each; the cause of the others first. */
  readonly problems: readonly WaysideError[];
}

/** Finds everything in a configuration that does not fit its schema. */
export function examineConfig<T>(text: string, file: string, schema: z.ZodType<T>): Examined<T> {
  const failed = (...problems: WaysideError[]): Examined<T> => ({ data: undefined, problems });
  if (text.length > MAX_BYTES)
    return failed(invalid(`${file}: expected at most ${MAX_BYTES} bytes, found ${text.length}`));
  const lines = new LineCounter();
  // Pretty messages quote the line at fault, which may hold a password: position and kind are enough.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const faults = [...document.errors, ...document.warnings].map(({ pos, message }) => {
    const { line, col } = lines.linePos(pos[0]);
    return invalid(`${file}:${line}:${col}: not YAML: ${message}`);
  });
  if (faults.length > 0) return failed(...faults);
  let data: unknown;
  try {
    data = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    return failed(invalid(`${file}:1:1: not usable YAML: ${messageOf(cause)}`));
  }
  const result = schema.safeParse(data);
  if (result.success) return { config: result.data, data, problems: [] };
  // A slip in a key also makes the right key missing: the slip is the cause, so it is told first.
  const slip = (issue: { readonly code: string }): number => (issue.code === 'unrecognized_keys' ? 0 : 1);
  const problems = result.error.issues
    .toSorted((a, b) => slip(a) - slip(b))
    .map((issue) => {
      const { path, key, message, hint } = explain(issue, data, schema);
      const { line, column } = positionOf(document, lines, path, key);
      return invalid(`${file}:${line}:${column}: ${pathText(path)}: ${message}`, hint);
    });
  return { data, problems };
}

function invalid(message: string, hint?: string): WaysideError {
  return new WaysideError('CONFIG_INVALID', { message, ...(hint === undefined ? {} : { hint }) });
}
