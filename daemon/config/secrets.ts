import { resolve } from 'node:path';
import { readMqttSecrets } from '../../contract/mqtt/settings.ts';
import { readPem, readSecret } from '../../core/config/secrets.ts';
import { WaysideError } from '../../core/errors.ts';
import { readNamedFile } from '../../core/files.ts';
import { type IdentityChain, newestOf, readChain } from '../../core/identity/chain.ts';
import { type Identity, identityOf } from '../../core/identity/key.ts';
import type { Config, IdentityConfig } from './schema.ts';

/** The secrets a configuration names, read. Kept apart from it so that nothing that prints a configuration has them. */
export interface Secrets {
  readonly mqtt: string | undefined;
  /** By camera id; a camera without a password is absent. */
  readonly cameras: ReadonlyMap<string, string>;
  /** PEM files of authorities, by camera id. */
  readonly cameraAuthorities: ReadonlyMap<string, string>;
  /** The key by which the box is known, where it has one. */
  readonly identity?: BoxIdentity | undefined;
  /** PEM files of the connection to the broker. */
  readonly tls: {
    readonly ca: Buffer | undefined;
    readonly cert: Buffer | undefined;
    readonly key: Buffer | undefined;
  };
}

export interface BoxIdentity {
  readonly key: Identity;
  readonly chain: IdentityChain;
}

/** @throws {WaysideError} SECRET_UNREADABLE, FILE_NOT_FOUND, IDENTITY_INVALID */
export async function readIdentity({ key, chain }: IdentityConfig, folder: string): Promise<BoxIdentity> {
  const pem = await readPem(key, 'identity.key', folder);
  const own = identityOf(pem ?? '', 'identity.key');
  const known = await readIdentityChain(chain, folder);
  if (newestOf(known, 'identity.chain').spki !== own.publicKey.spki) {
    throw new WaysideError('IDENTITY_INVALID', {
      message: 'identity.key is not the newest key of identity.chain',
      hint: 'after `wayside identity rotate`, `systemctl restart wayside`',
    });
  }
  return { key: own, chain: known };
}

/** @throws {WaysideError} FILE_NOT_FOUND, IDENTITY_INVALID */
export async function readIdentityChain(chain: string, folder: string): Promise<IdentityChain> {
  return readChain(await readNamedFile(resolve(folder, chain)), 'identity.chain');
}

/** @throws {WaysideError} SECRET_UNREADABLE, FILE_NOT_FOUND, IDENTITY_INVALID */
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
  const identity = config.identity === undefined ? undefined : await readIdentity(config.identity, folder);
  const { password, ...tls } = await readMqttSecrets(config.mqtt, folder, environment);
  return { mqtt: password, cameras, cameraAuthorities, identity, tls };
}
