import { dirname, resolve } from 'node:path';
import { type Examined, examineConfig as examine, parseConfig as parse } from '../../core/config/examine.ts';
import { readNamedFile } from '../../core/files.ts';
import { type Digest, digestOf } from '../../core/hash.ts';
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
export const parseConfig = (text: string, file: string): Config => parse(text, file, configSchema);

/** Finds everything in a configuration that does not fit its schema. */
export const examineConfig = (text: string, file: string): Examined<Config> => examine(text, file, configSchema);
