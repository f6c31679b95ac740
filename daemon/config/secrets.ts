import { readMqttSecrets } from '../../contract/mqtt/settings.ts';
import { readPem, readSecret } from '../../core/config/secrets.ts';
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
  const { password, ...tls } = await readMqttSecrets(config.mqtt, folder, environment);
  return { mqtt: password, cameras, cameraAuthorities, tls };
}
