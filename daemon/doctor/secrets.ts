import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { BrokerOptions } from '../../contract/mqtt/attempt.ts';
import { brokerOptions } from '../../contract/mqtt/settings.ts';
import { credentialOrigin } from '../../core/config/credentials.ts';
import type { SecretSource } from '../../core/config/secrets.ts';
import type { AgentConfig } from '../../deploy/agent/config/schema.ts';
import type { Config } from '../config/schema.ts';

/** A part of a configuration with the folder that its relative paths start from. */
export interface Placed<Part> {
  readonly config: Part;
  readonly folder: string;
}

/**
 * A file that a configuration names. What systemd brings only when it starts the unit is read at its source.
 *
 * @returns undefined where none is named, or it cannot be read
 */
export async function namedFile(named: string | undefined, folder: string): Promise<Buffer | undefined> {
  if (named === undefined) return undefined;
  const path = resolve(folder, named);
  const found = await readFile(path).catch(() => undefined);
  const origin = found === undefined ? await credentialOrigin(path) : undefined;
  return origin === undefined ? found : await readFile(origin).catch(() => undefined);
}

/** A password that a configuration names; undefined as for `namedFile`. */
export async function namedPassword(
  { passwordFile, passwordEnv }: SecretSource,
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if (passwordEnv !== undefined) return environment[passwordEnv];
  return (await namedFile(passwordFile, folder))?.toString('utf8').replace(/\r?\n$/, '');
}

/** @param clientId another than that of the daemon or the agent: the broker would hang up on it */
export async function brokerAs(
  { config: { mqtt }, folder }: Placed<Pick<Config | AgentConfig, 'mqtt'>>,
  clientId: string,
  environment: NodeJS.ProcessEnv,
): Promise<BrokerOptions> {
  const { clientId: _, ...rest } = mqtt;
  const secrets = {
    password: await namedPassword(mqtt, folder, environment),
    ca: await namedFile(mqtt.ca, folder),
    cert: await namedFile(mqtt.cert, folder),
    key: await namedFile(mqtt.key, folder),
  };
  return brokerOptions(rest, secrets, clientId);
}
