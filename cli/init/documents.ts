import { basename } from 'node:path';
import { stringify } from 'yaml';
import { VERSION } from '../../core/layout.ts';
import { readPublicKey } from '../../deploy/signature/keys.ts';
import type { Answers, CameraAnswers } from './answers.ts';
import { cameraSecret, type Secrets } from './secrets.ts';

/** A file below the folder of the configuration. */
export interface ConfigurationFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  /** Whose secret it is; everyone who may enter the folder may read the others. */
  readonly secretOf?: Service;
}

type Service = 'wayside' | 'wayside-agent';

/** Where models lie on a box: systemd/wayside.tmpfiles. */
const STORE = '/var/lib/wayside-models';
/** Of the models that come with the software, the one that finds, follows and counts: `demo/detector-package`. */
export const DEFAULT_MODEL = 'street-grid';
const SOCKET = '/run/wayside-agent/agent.sock';

const FOLDERS = { wayside: 'secrets', 'wayside-agent': 'agent-secrets' } as const satisfies Record<Service, string>;

const secretPath = (service: Service, name: string): string => `${FOLDERS[service]}/${name}`;

/** How the configuration of a service names a secret: as systemd hands it over (LoadCredential=secrets:FOLDER), or the file itself. */
const reference = ({ secrets = 'systemd' }: Answers, service: Service, name: string): string =>
  secrets === 'files' ? secretPath(service, name) : `/run/credentials/${service}.service/secrets_${name}`;

const modelKeyPath = (index: number): string => `model-key-${index + 1}.pem`;

const known = <T extends object>(fields: T): T =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;

const written = (what: string, reference: string, document: object): string =>
  `# ${what}, written by \`wayside init\` (Wayside ${VERSION}).\n# Every key: /usr/share/doc/wayside/reference/${reference}\n\n${stringify(document)}`;

/** The broker as one of the two programs of a box is told of it. */
function mqttOf(answers: Answers, service: Service, name: string, username: string | undefined, certified: boolean) {
  const { url, ca } = answers.broker;
  return known({
    url,
    username,
    passwordFile: username === undefined ? undefined : reference(answers, service, name),
    ca: ca === undefined ? undefined : 'broker-ca.pem',
    cert: certified ? `${service}.pem` : undefined,
    key: certified ? reference(answers, service, 'mqtt-key') : undefined,
  });
}

export function daemonDocument(answers: Answers): string {
  const { site, box, broker, model, repository, cameras } = answers;
  const ofStore = model?.package === undefined;
  return written('Configuration of this box', 'configuration.md', {
    site,
    box,
    mqtt: mqttOf(answers, 'wayside', 'mqtt', broker.username, broker.cert !== undefined),
    model: known({
      ...(ofStore ? { store: STORE, name: model?.name ?? DEFAULT_MODEL } : { package: model?.package }),
      keys: model?.keys?.map((_, index) => modelKeyPath(index)),
    }),
    ...(ofStore && repository !== undefined ? { agent: { socket: SOCKET } } : {}),
    identity: { key: reference(answers, 'wayside', 'identity'), chain: 'identity.json' },
    cameras: cameras.map((camera) => cameraOf(answers, camera)),
  });
}

function cameraOf(answers: Answers, { id, url, username, rate, transport, ca, insecure }: CameraAnswers): object {
  return known({
    id,
    url,
    username,
    passwordFile: username === undefined ? undefined : reference(answers, 'wayside', cameraSecret(id)),
    rate,
    transport,
    ca: ca === undefined ? undefined : `camera-${id}-ca.pem`,
    insecure,
  });
}

/** The user that the agent is at the broker, and what its password is kept under. */
export function agentUser({ broker, agent }: Pick<Answers, 'broker' | 'agent'>) {
  return agent?.username === undefined
    ? { username: broker.username, secret: 'mqtt' }
    : { username: agent.username, secret: 'agent' };
}

/** Undefined where the box fetches no models. */
export function agentDocument(answers: Answers): string | undefined {
  const { site, box, repository, model, groups, tags, windows, broker, agent } = answers;
  if (repository === undefined) return undefined;
  const { url, ca, follow } = repository;
  const certified = (agent?.cert ?? broker.cert) !== undefined;
  return written(
    'Configuration of the update agent of this box',
    'agent.md',
    known({
      site,
      box,
      groups,
      tags,
      model: model?.name ?? DEFAULT_MODEL,
      repository: known({ url, root: 'root.json', ca: ca === undefined ? undefined : 'repository-ca.pem', follow }),
      windows,
      mqtt: mqttOf(answers, 'wayside-agent', 'mqtt', agentUser(answers).username, certified),
    }),
  );
}

/**
 * What the configuration needs beside it, and the secrets.
 *
 * @param read gives the bytes of a file that the answers name
 * @throws {WaysideError} KEY_INVALID, and what `read` throws
 */
export async function filesBeside(
  answers: Answers,
  secrets: Secrets,
  read: (path: string) => Promise<Buffer>,
): Promise<ConfigurationFile[]> {
  const { broker, agent, model, repository, cameras } = answers;
  const files: ConfigurationFile[] = [];
  const copy = async (from: string | undefined, path: string, secretOf?: Service): Promise<void> => {
    if (from !== undefined)
      files.push({ path, content: await read(from), ...(secretOf === undefined ? {} : { secretOf }) });
  };
  const keep = (value: string | undefined, service: Service, name: string): void => {
    if (value !== undefined) files.push({ path: secretPath(service, name), content: value, secretOf: service });
  };
  keep(secrets.get('mqtt'), 'wayside', 'mqtt');
  for (const { id, ca } of cameras) {
    keep(secrets.get(cameraSecret(id)), 'wayside', cameraSecret(id));
    await copy(ca, `camera-${id}-ca.pem`);
  }
  for (const [index, key] of (model?.keys ?? []).entries()) {
    await readPublicKey(key); // a private one in its place must not be copied to where everyone may read it
    await copy(key, modelKeyPath(index));
  }
  await copy(broker.ca, 'broker-ca.pem');
  await copy(broker.cert, 'wayside.pem');
  await copy(broker.key, secretPath('wayside', 'mqtt-key'), 'wayside');
  if (repository === undefined) return files;
  keep(secrets.get(agentUser(answers).secret), 'wayside-agent', 'mqtt');
  await copy(repository.ca, 'repository-ca.pem');
  await copy(agent?.cert ?? broker.cert, 'wayside-agent.pem');
  await copy(agent?.key ?? broker.key, secretPath('wayside-agent', 'mqtt-key'), 'wayside-agent');
  return files;
}

/** Answers that lead to this box again, or to another like it. Passwords that were typed are named where they lie now. */
export function answersDocument(answers: Answers, folder: string): string {
  const passwordFile = (given: string | undefined, user: string | undefined, service: Service, name: string) =>
    user === undefined ? {} : { passwordFile: given ?? `${folder}/${secretPath(service, name)}` };
  const { broker, agent, cameras } = answers;
  const document = {
    ...answers,
    broker: { ...broker, ...passwordFile(broker.passwordFile, broker.username, 'wayside', 'mqtt') },
    ...(agent && { agent: { ...agent, ...passwordFile(agent.passwordFile, agent.username, 'wayside-agent', 'mqtt') } }),
    cameras: cameras.map((camera) => ({
      ...camera,
      ...passwordFile(camera.passwordFile, camera.username, 'wayside', cameraSecret(camera.id)),
    })),
  };
  return `# Answers for \`wayside init --answers\`: ${basename(folder)}. Passwords are the content of the files named.\n${stringify(document)}`;
}
