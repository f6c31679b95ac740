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
  const refused = (why: string, hint: string, cause?: unknown): WaysideError =>
    new WaysideError('SECRET_UNREADABLE', {
      message: `${where}.passwordFile: cannot read ${path}: ${why}`,
      hint,
      cause,
    });
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const hint = 'the file must be readable by the user the daemon runs as, and by nobody else';
    throw refused(messageOf(cause), hint, cause);
  }
  const text = textOf(bytes);
  if (text === undefined || text === '') {
    const why = text === '' ? 'the file is empty' : 'expected one line of text in UTF-8';
    throw refused(why, `\`install -m 600 /dev/stdin ${path}\` writes what is typed, until Ctrl-D`);
  }
  return text;
}

/**
 * The line that a file holds, without its end and without the mark that editors of Windows begin files with: a camera would only say that
 * the password is wrong. Undefined where it is not one line of UTF-8: Latin-1, UTF-16, a key.
 */
function textOf(bytes: Buffer): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
    return CONTROL.test(text) ? undefined : text;
  } catch (thrown) {
    if (thrown instanceof TypeError) return undefined;
    throw thrown;
  }
}
const CONTROL = /\p{Cc}/u;

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
