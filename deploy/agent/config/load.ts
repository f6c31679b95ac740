import { dirname, resolve } from 'node:path';
import { type MqttSecrets, readMqttSecrets } from '../../../contract/mqtt/settings.ts';
import { parseConfig } from '../../../core/config/examine.ts';
import { readPem } from '../../../core/config/secrets.ts';
import { readNamedFile } from '../../../core/files.ts';
import { type AgentConfig, agentSchema } from './schema.ts';

export interface LoadedAgentConfig {
  /** Paths in it are absolute. */
  readonly config: AgentConfig;
  readonly mqttSecrets: MqttSecrets;
  /** PEM, for the server of the repository. */
  readonly repositoryAuthority: string | undefined;
}

/** @throws {WaysideError} FILE_NOT_FOUND, CONFIG_INVALID (`file:line:column: path: expected ..., found ...`), SECRET_UNREADABLE */
export async function loadAgentConfig(file: string, environment = process.env): Promise<LoadedAgentConfig> {
  const folder = dirname(resolve(file));
  const config = parseConfig((await readNamedFile(file)).toString('utf8'), file, agentSchema);
  const { store, socket, usb, repository } = config;
  const authority = await readPem(repository.ca, 'repository.ca', folder);
  return {
    config: {
      ...config,
      store: resolve(folder, store),
      socket: resolve(folder, socket),
      ...(usb === undefined ? {} : { usb: resolve(folder, usb) }),
      repository: { ...repository, root: resolve(folder, repository.root) },
    },
    mqttSecrets: await readMqttSecrets(config.mqtt, folder, environment),
    repositoryAuthority: authority?.toString('latin1'),
  };
}
