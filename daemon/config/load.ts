import { dirname, resolve } from 'node:path';
import { type Document, LineCounter, parseDocument } from 'yaml';
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
  if (text.length > MAX_BYTES) throw invalid(`${file}: expected at most ${MAX_BYTES} bytes, found ${text.length}`);
  const lines = new LineCounter();
  // Pretty messages quote the line at fault, which may hold a password: position and kind are enough.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) {
    const { line, col } = lines.linePos(fault.pos[0]);
    throw invalid(`${file}:${line}:${col}: not YAML: ${fault.message}`);
  }
  const data = toData(document, file);
  const result = configSchema.safeParse(data);
  if (result.success) return result.data;
  // A slip in a key also makes the right key missing: the slip is the cause, so it is told first.
  const { issues } = result.error;
  const first = issues.find((issue) => issue.code === 'unrecognized_keys') ?? issues[0];
  if (first === undefined) throw invalid(`${file}: refused`);
  const { path, key, message, hint } = explain(first, data);
  const { line, column } = positionOf(document, lines, path, key);
  const others = issues.length - 1;
  const more = others === 0 ? '' : ` (and ${others} more)`;
  throw invalid(`${file}:${line}:${column}: ${pathText(path)}: ${message}${more}`, hint);
}

function toData(document: Document, file: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw invalid(`${file}:1:1: not usable YAML: ${messageOf(cause)}`);
  }
}

function invalid(message: string, hint?: string): WaysideError {
  return new WaysideError('CONFIG_INVALID', { message, ...(hint === undefined ? {} : { hint }) });
}
