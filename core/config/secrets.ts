import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, WaysideError } from '../errors.ts';

export interface SecretSource {
  readonly passwordFile?: string | undefined;
  readonly passwordEnv?: string | undefined;
}

/**
 * @param where the part of the configuration it belongs to, for the message: `mqtt`, `cameras[0]`
 * @throws {WaysideError} SECRET_UNREADABLE
 */
export async function readSecret(
  source: SecretSource,
  where: string,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if (source.passwordEnv !== undefined) {
    const value = environment[source.passwordEnv];
    if (value === undefined || value === '') {
      throw new WaysideError('SECRET_UNREADABLE', {
        message: `${where}.passwordEnv: expected the environment variable ${source.passwordEnv}, found none`,
        hint: 'under systemd, prefer `passwordFile` with LoadCredential=: see docs/guide/box.md',
      });
    }
    return value;
  }
  if (source.passwordFile === undefined) return undefined;
  const path = resolve(folder, source.passwordFile);
  try {
    const text = (await readFile(path, 'utf8')).replace(/\r?\n$/, '');
    if (text === '') throw new Error('the file is empty');
    return text;
  } catch (cause) {
    throw new WaysideError('SECRET_UNREADABLE', {
      message: `${where}.passwordFile: cannot read ${path}: ${messageOf(cause)}`,
      hint: 'the file must be readable by the user the daemon runs as, and by nobody else',
      cause,
    });
  }
}

/** @throws {WaysideError} SECRET_UNREADABLE */
export async function readPem(path: string | undefined, where: string, folder: string): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  const full = resolve(folder, path);
  try {
    const bytes = await readFile(full);
    if (!bytes.includes('-----BEGIN ')) throw new Error('expected PEM (-----BEGIN ...)');
    return bytes;
  } catch (cause) {
    throw new WaysideError('SECRET_UNREADABLE', {
      message: `${where}: cannot use ${full}: ${messageOf(cause)}`,
      cause,
    });
  }
}
