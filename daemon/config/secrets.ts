import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { messageOf, WaysideError } from '../../core/errors.ts';
import type { Config } from './schema.ts';

/** The secrets a configuration names, read. Kept apart from it so that nothing that prints a configuration has them. */
export interface Secrets {
  readonly mqtt: string | undefined;
  /** By camera id; a camera without a password is absent. */
  readonly cameras: ReadonlyMap<string, string>;
  /** PEM files of authorities, by camera id. */
  readonly cameraAuthorities: ReadonlyMap<string, string>;
  /** PEM files of the connection to the broker. */
  readonly tls: {
    readonly ca: Buffer | undefined;
    readonly cert: Buffer | undefined;
    readonly key: Buffer | undefined;
  };
}

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

/** @throws {WaysideError} SECRET_UNREADABLE */
export async function readSecrets(config: Config, folder: string, environment = process.env): Promise<Secrets> {
  const cameras = new Map<string, string>();
  for (const [index, camera] of config.cameras.entries()) {
    const password = await readSecret(camera, `cameras[${index}]`, folder, environment);
    if (password !== undefined) cameras.set(camera.id, password);
  }
  const cameraAuthorities = new Map<string, string>();
  for (const [index, { id, ca }] of config.cameras.entries()) {
    const authority = await readPem(ca, `cameras[${index}].ca`, folder);
    if (authority !== undefined) cameraAuthorities.set(id, authority.toString('latin1'));
  }
  const pem = (name: 'ca' | 'cert' | 'key'): Promise<Buffer | undefined> =>
    readPem(config.mqtt[name], `mqtt.${name}`, folder);
  const tls = { ca: await pem('ca'), cert: await pem('cert'), key: await pem('key') };
  return { mqtt: await readSecret(config.mqtt, 'mqtt', folder, environment), cameras, cameraAuthorities, tls };
}
