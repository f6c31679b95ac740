import { dirname, resolve } from 'node:path';
import { readMqttSecrets } from '../../../contract/mqtt/settings.ts';
import { broughtCredential, type CredentialSearch } from '../../../core/config/credentials.ts';
import { examineConfig } from '../../../core/config/examine.ts';
import { readPem } from '../../../core/config/secrets.ts';
import { asWaysideError, type WaysideError } from '../../../core/errors.ts';
import { readableFile, readNamedFile } from '../../../core/files.ts';
import { type AgentConfig, agentSchema } from './schema.ts';

interface Checked {
  /** Absent where the file does not fit its schema. */
  readonly config?: AgentConfig;
  readonly problems: readonly WaysideError[];
  /** What could not be checked here. */
  readonly notes: readonly string[];
}

/**
 * Checks the configuration of the agent and all files that it names, without reaching anything. What systemd brings only when it starts the
 * unit is looked for at its source.
 *
 * @throws {WaysideError} FILE_NOT_FOUND: the configuration itself
 */
export async function checkAgent(file: string, search: CredentialSearch = {}): Promise<Checked> {
  const folder = dirname(resolve(file));
  const { config, problems: found } = examineConfig((await readNamedFile(file)).toString('utf8'), file, agentSchema);
  const [problems, notes] = [[...found], [] as string[]];
  if (config === undefined) return { problems, notes };
  const trying = async (act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
    } catch (thrown) {
      problems.push(asWaysideError(thrown));
    }
  };
  const { mqtt, repository } = config;
  const own: Record<string, string> = {};
  for (const name of ['passwordFile', 'ca', 'cert', 'key'] as const) {
    const named = mqtt[name];
    if (named === undefined) continue;
    const brought = await broughtCredential(resolve(folder, named), `mqtt.${name}`, search);
    if (brought === undefined) own[name] = named;
    else if ('problem' in brought) problems.push(brought.problem);
    else notes.push(brought.note);
  }
  const { passwordFile: _file, ca: _ca, cert: _cert, key: _key, ...rest } = mqtt;
  await trying(() => readMqttSecrets({ ...rest, ...own }, folder, search.environment ?? process.env));
  await trying(() => readPem(repository.ca, 'repository.ca', folder));
  await trying(() => readableFile(resolve(folder, repository.root)));
  return { config, problems, notes };
}
