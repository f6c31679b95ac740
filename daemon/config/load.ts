import { dirname, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { messageOf, WaysideError } from '../../core/errors.ts';
import { readNamedFile } from '../../core/files.ts';
import { type Digest, digestOf } from '../../core/hash.ts';
import { explain } from './explain.ts';
import { pathText, positionOf } from './position.ts';
import { type Config, configSchema } from './schema.ts';
import { readSecrets, type Secrets } from './secrets.ts';

export interface LoadedConfig {
  readonly config: Config;
  readonly secrets: Secrets;
  /** Folder of the file: relative paths in it start here. */
  readonly folder: string;
  /** Of the bytes of the file. They hold no secret, so the digest may be published. */
  readonly digest: Digest;
}

/** More than this is no configuration of a box: refused before it is parsed. */
const MAX_BYTES = 1 << 20;

/**
 * Reads a configuration file and the secrets it names.
 *
 * @throws {WaysideError} FILE_NOT_FOUND, CONFIG_INVALID (`file:line:column: path: expected ..., found ...`), SECRET_UNREADABLE
 */
export async function loadConfig(path: string, environment = process.env): Promise<LoadedConfig> {
  const bytes = await readNamedFile(path);
  const folder = dirname(resolve(path));
  const config = parseConfig(bytes.toString('utf8'), path);
  return { config, secrets: await readSecrets(config, folder, environment), folder, digest: digestOf(bytes) };
}

/**
 * @param file the name to print in front of line and column
 * @throws {WaysideError} CONFIG_INVALID
 */
export function parseConfig(text: string, file: string): Config {
  const { config, problems } = examineConfig(text, file);
  if (config !== undefined) return config;
  const [first, ...others] = problems;
  if (first === undefined) throw invalid(`${file}: refused`);
  if (others.length === 0) throw first;
  throw invalid(`${first.message} (and ${others.length} more)`, first.hint);
}

export interface ExaminedConfig {
  /** Absent when there are problems. */
  readonly config?: Config;
  /** What stands in the file, as far as it is YAML. */
  readonly data: unknown;
  /** CONFIG_INVALID each; the cause of the others first. */
  readonly problems: readonly WaysideError[];
}

/** Finds everything in a configuration that does not fit its schema. */
export function examineConfig(text: string, file: string): ExaminedConfig {
  const failed = (...problems: WaysideError[]): ExaminedConfig => ({ data: undefined, problems });
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
  const result = configSchema.safeParse(data);
  if (result.success) return { config: result.data, data, problems: [] };
  // A slip in a key also makes the right key missing: the slip is the cause, so it is told first.
  const slip = (issue: { readonly code: string }): number => (issue.code === 'unrecognized_keys' ? 0 : 1);
  const problems = result.error.issues
    .toSorted((a, b) => slip(a) - slip(b))
    .map((issue) => {
      const { path, key, message, hint } = explain(issue, data);
      const { line, column } = positionOf(document, lines, path, key);
      return invalid(`${file}:${line}:${column}: ${pathText(path)}: ${message}`, hint);
    });
  return { data, problems };
}

function invalid(message: string, hint?: string): WaysideError {
  return new WaysideError('CONFIG_INVALID', { message, ...(hint === undefined ? {} : { hint }) });
}
