import { resolve } from 'node:path';
import { Option } from 'commander';
import { WaysideError } from '../../core/errors.ts';
import { integer } from '../options/common.ts';
import { readDescriptor } from '../secret-input.ts';
import type { CameraAnswers, Draft } from './answers.ts';
import type { Secrets } from './secrets.ts';

/** What can be said of a box on the command line. */
export interface BoxFlags {
  readonly site?: string;
  readonly box?: string;
  readonly broker?: string;
  readonly brokerUser?: string;
  readonly brokerPasswordFile?: string;
  readonly brokerPasswordFd?: number;
  readonly brokerCa?: string;
  readonly brokerCert?: string;
  readonly brokerKey?: string;
  readonly model?: string;
  readonly modelPackage?: string;
  readonly modelKey?: readonly string[];
  readonly camera?: readonly string[];
  readonly cameraUser?: readonly string[];
  readonly cameraPasswordFile?: readonly string[];
  readonly repository?: string;
  readonly fingerprint?: string;
  readonly rootVersion?: number;
  readonly rootFile?: string;
  readonly repositoryCa?: string;
  readonly follow?: true;
  readonly agentUser?: string;
  readonly agentPasswordFile?: string;
  readonly agentPasswordFd?: number;
  readonly group?: string[];
  readonly tag?: string[];
  readonly window?: readonly string[];
  readonly secrets?: 'systemd' | 'files';
}

const several = (text: string, before: readonly string[] = []): string[] => [...before, text];
const repeated = (flags: string, text: string): Option => new Option(flags, text).argParser(several);
const descriptor = (flags: string, text: string): Option => new Option(flags, text).argParser(integer(0, 1024));

export const boxOptions = (): Option[] => [
  new Option('--site <name>', 'the installation: part of every topic'),
  new Option('--box <name>', 'this computer'),
  new Option('--broker <url>', 'MQTT broker: mqtts://HOST or mqtt://HOST'),
  new Option('--broker-user <name>', 'user name at the broker'),
  new Option('--broker-password-file <file>', 'file with the password'),
  descriptor('--broker-password-fd <n>', 'open file descriptor that the password is read from'),
  new Option('--broker-ca <file>', 'authorities that the broker’s certificate is checked against, in PEM'),
  new Option('--broker-cert <file>', 'client certificate in PEM'),
  new Option('--broker-key <file>', 'its private key in PEM'),
  repeated('--camera <id=url>', 'a camera: north=rtsp://192.0.2.7/stream2; several times'),
  repeated('--camera-user <id=name>', 'user name at a camera, or NAME for all of them; several times'),
  repeated('--camera-password-file <id=file>', 'file with its password, or FILE for all of them; several times'),
  new Option('--model <name>', 'model of the store of the box (default: the one that came with the software)'),
  new Option('--model-package <dir>', 'folder of a model package, in place of the store'),
  repeated('--model-key <file>', 'public key in PEM, one of which must have signed the model; several times'),
  new Option('--repository <url>', 'update repository: https://HOST/, which holds metadata/ and targets/'),
  new Option('--fingerprint <sha256>', 'SHA-256 of its first root, as the office says it'),
  new Option('--root-version <n>', 'number of that root (default: 1)').argParser(integer(1)),
  new Option('--root-file <file>', 'a copy of that root, where it is not to be fetched'),
  new Option('--repository-ca <file>', 'authority of the repository’s server, in PEM'),
  new Option('--follow', 'take the newest model by itself, without a job'),
  new Option('--agent-user <name>', 'user name of the update agent at the broker (default: as the daemon)'),
  new Option('--agent-password-file <file>', 'file with its password'),
  descriptor('--agent-password-fd <n>', 'open file descriptor that its password is read from'),
  repeated('--group <name>', 'jobs for this group are for this box too; several times'),
  repeated('--tag <name>', 'told to the office, which chooses boxes by it; several times'),
  repeated('--window <from-to>', 'maintenance window in UTC, such as 01:00-04:30; several times'),
  new Option(
    '--secrets <how>',
    'systemd: files of root, handed over when a service starts; files: of the services',
  ).choices(['systemd', 'files']),
];

const usage = (message: string, hint?: string): WaysideError =>
  new WaysideError('USAGE', { message, ...(hint === undefined ? {} : { hint }) });

/** An argument is read by everyone on the machine. What was given is not repeated: it holds a password. */
function withoutCredentials(option: string, text: string | undefined): string | undefined {
  if (text === undefined || !/:\/\/[^/]*@|:\/\/[^@]*:[^@]*@/.test(text)) return text;
  throw usage(
    `${option}: expected an address without user and password, found one with an @ in it`,
    'everyone on the machine can read the arguments of a command: name the user with its own option, and the password in a file. Change the password that was typed',
  );
}

/** `id=value` pairs, and the value that is for all. */
function perCamera(option: string, given: readonly string[] = []): (id: string) => string | undefined {
  const own = new Map<string, string>();
  let all: string | undefined;
  for (const text of given) {
    const [, id, value = ''] = /^([A-Za-z0-9][A-Za-z0-9_-]*)=(.*)$/s.exec(text) ?? [];
    if (id === undefined) all = text;
    else if (value === '') throw usage(`${option}: expected ${id}=VALUE, found nothing behind the =`);
    else own.set(id, value);
  }
  return (id) => own.get(id) ?? all;
}

function camerasOf(flags: BoxFlags, before: readonly CameraAnswers[] = []): CameraAnswers[] {
  const { camera = [], cameraUser, cameraPasswordFile } = flags;
  const userOf = perCamera('--camera-user', cameraUser);
  const fileOf = perCamera('--camera-password-file', cameraPasswordFile);
  const named = camera.map((text) => {
    withoutCredentials('--camera', text);
    const [, id, url] = /^([A-Za-z0-9][A-Za-z0-9_-]{0,63})=(.+)$/s.exec(text) ?? [];
    if (id === undefined || url === undefined)
      throw usage('--camera: expected ID=URL, such as north=rtsp://192.0.2.7/stream2');
    return { id, url };
  });
  const others = before.filter(({ id }) => !named.some((each) => each.id === id));
  return [...others, ...named].map((each) => {
    const [username, file] = [userOf(each.id), fileOf(each.id)];
    const given = { ...(username && { username }), ...(file && { passwordFile: resolve(file) }) };
    return { ...each, ...given };
  });
}

export function windowsOf(given: readonly string[]): { from: string; to: string }[] {
  return given.map((text) => {
    const [, from, to] = /^(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})$/.exec(text.trim()) ?? [];
    if (from === undefined || to === undefined)
      throw usage(`--window: expected FROM-TO such as 01:00-04:30, found ${text}`);
    return { from: from.padStart(5, '0'), to: to.padStart(5, '0') };
  });
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };
const given = <T extends object>(fields: T): Given<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<T>;

const file = (path: string | undefined): string | undefined => (path === undefined ? undefined : resolve(path));

/** What a file of answers says, with what the options say in its place. @throws {WaysideError} USAGE */
export function withFlags(answers: Draft, flags: BoxFlags): Draft {
  const broker = {
    ...answers.broker,
    ...given({
      url: withoutCredentials('--broker', flags.broker),
      username: flags.brokerUser,
      passwordFile: file(flags.brokerPasswordFile),
      ca: file(flags.brokerCa),
      cert: file(flags.brokerCert),
      key: file(flags.brokerKey),
    }),
  };
  const repository = {
    ...answers.repository,
    ...given({
      url: withoutCredentials('--repository', flags.repository),
      fingerprint: flags.fingerprint,
      version: flags.rootVersion,
      root: file(flags.rootFile),
      ca: file(flags.repositoryCa),
      follow: flags.follow,
    }),
  };
  const agent = {
    ...answers.agent,
    ...given({ username: flags.agentUser, passwordFile: file(flags.agentPasswordFile) }),
  };
  const keys = flags.modelKey?.map((path) => resolve(path));
  const model = { ...answers.model, ...given({ name: flags.model, package: file(flags.modelPackage), keys }) };
  const filled = <T extends object>(value: T): T | undefined => (Object.keys(value).length === 0 ? undefined : value);
  return {
    ...answers,
    ...given({ site: flags.site, box: flags.box, groups: flags.group, tags: flags.tag, secrets: flags.secrets }),
    broker: filled(broker),
    repository: filled(repository),
    agent: filled(agent),
    model: filled(model),
    cameras: camerasOf(flags, answers.cameras),
    windows: flags.window === undefined ? answers.windows : windowsOf(flags.window),
  };
}

/** Reads the secrets that come over descriptors. @throws {WaysideError} USAGE */
export async function readDescriptors(
  { brokerPasswordFd, agentPasswordFd }: BoxFlags,
  secrets: Secrets,
): Promise<void> {
  for (const [name, fd, option] of [
    ['mqtt', brokerPasswordFd, '--broker-password-fd'],
    ['agent', agentPasswordFd, '--agent-password-fd'],
  ] as const) {
    if (fd === undefined) continue;
    const value = (await readDescriptor(fd))?.split(/\r?\n/)[0] ?? '';
    if (value === '') throw usage(`${option}: the descriptor ${fd} cannot be read, or holds nothing`);
    secrets.set(name, value);
  }
}
