import { access, constants } from 'node:fs/promises';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { broughtCredential, type CredentialSearch } from '../../core/config/credentials.ts';
import { readPem, readSecret, type SecretSource } from '../../core/config/secrets.ts';
import { asWaysideError, type ErrorCode, WaysideError } from '../../core/errors.ts';
import { readNamedFile } from '../../core/files.ts';
import { type Digest, digestOf } from '../../core/hash.ts';
import { DecoderCommands } from '../camera/decoder-command.ts';
import { examineConfig } from '../config/load.ts';
import { polygonFault } from '../config/region-schema.ts';
import {
  type CameraConfig,
  type Config,
  cameraSchema,
  type IdentityConfig,
  identitySchema,
  type ModelConfig,
  type MqttConfig,
  modelSchema,
  mqttSchema,
} from '../config/schema.ts';
import { readIdentity, readIdentityChain } from '../config/secrets.ts';
import { filesShort, openFiles } from '../file-descriptors.ts';
import { admitPlace } from '../model/choice.ts';
import { modelPlaces } from '../model/places.ts';
import { authorityProblem, identityProblems } from './certificates.ts';

export interface CheckOptions extends CredentialSearch {
  /** ms since the epoch. */
  readonly now?: number;
  /** False where the models of the box are not those of this machine: an image is being built. @default true */
  readonly ownModels?: boolean;
}

interface Checked {
  /** Absent where the file does not fit its schema. */
  readonly config?: Config;
  readonly digest: Digest;
  /** Everything that keeps the box from working as configured. */
  readonly problems: readonly WaysideError[];
  /** What could not be checked here, or is odd and works. */
  readonly notes: readonly string[];
}

/**
 * Checks all that the start and the first connection need, without starting or reaching anything: schema, secrets, certificates, package,
 * decoders. What systemd brings only when it starts the unit is looked for at its source.
 *
 * @throws {WaysideError} FILE_NOT_FOUND: the configuration itself
 */
export async function checkDaemon(path: string, options: CheckOptions = {}): Promise<Checked> {
  const bytes = await readNamedFile(path);
  const { config, data, problems } = examineConfig(bytes.toString('utf8'), path);
  const check = new Check(dirname(resolve(path)), options, [...problems]);
  // Parts that fit are checked also where others do not: all mistakes at once.
  const parts = (data ?? {}) as Readonly<Record<string, unknown>>;
  const mqtt = mqttSchema.safeParse(parts['mqtt']);
  if (mqtt.success) await check.broker(mqtt.data);
  const identity = identitySchema.safeParse(parts['identity']);
  if (identity.success) await check.identity(identity.data);
  const model = modelSchema.safeParse(parts['model']);
  if (model.success) await check.package(model.data);
  const cameras = Array.isArray(parts['cameras']) ? parts['cameras'] : [];
  for (const [index, each] of cameras.entries()) {
    const camera = cameraSchema.safeParse(each);
    if (camera.success) await check.camera(camera.data, `cameras[${index}]`);
  }
  check.files(cameras.length);
  return {
    ...(config === undefined ? {} : { config }),
    digest: digestOf(bytes),
    problems: check.problems,
    notes: check.notes,
  };
}

class Check {
  readonly problems: WaysideError[];
  readonly notes: string[] = [];
  readonly #folder: string;
  readonly #options: CheckOptions;
  readonly #decoders = new DecoderCommands();
  readonly #decodersSeen = new Set<string>();

  constructor(folder: string, options: CheckOptions, problems: WaysideError[]) {
    this.#folder = folder;
    this.#options = options;
    this.problems = problems;
  }

  async broker({ username, passwordFile, passwordEnv, ca, cert, key }: MqttConfig): Promise<void> {
    await this.#password({ passwordFile, passwordEnv }, username, 'mqtt');
    const [authority, certificate, secret] = [
      await this.#pem(ca, 'mqtt.ca'),
      await this.#pem(cert, 'mqtt.cert'),
      await this.#pem(key, 'mqtt.key'),
    ];
    this.#authority(authority, 'mqtt.ca');
    if (certificate === undefined || secret === undefined) return;
    for (const { part, message } of identityProblems(certificate, secret, this.#now))
      this.#problem('SECRET_UNREADABLE', `mqtt.${part}: ${message}`);
  }

  async identity({ key, chain }: IdentityConfig): Promise<void> {
    const brought = await this.#isBrought(key, 'identity.key');
    await this.#trying('identity', async () =>
      brought ? await readIdentityChain(chain, this.#folder) : await readIdentity({ key, chain }, this.#folder),
    );
  }

  /** What the configuration prefers has to be whole; where it is not, it is said what would run. */
  async package(model: ModelConfig): Promise<void> {
    if (model.package === undefined && this.#options.ownModels === false) {
      this.notes.push('model.store: not checked: it is that of another machine');
      return;
    }
    const named = { config: { model }, folder: this.#folder };
    const where = model.package === undefined ? 'model.store' : 'model.package';
    const before = this.problems.length;
    for (const place of await modelPlaces(named)) {
      const known = this.problems.length;
      await this.#trying(where, () => admitPlace(place, named));
      if (this.problems.length > known) continue;
      if (known > before) this.notes.push(`${where}: ${place.name} is whole, and would run in its place`);
      return;
    }
  }

  async camera(
    { username, passwordFile, passwordEnv, ca, decoder, zones }: CameraConfig,
    where: string,
  ): Promise<void> {
    for (const [i, { polygon }] of zones.entries()) {
      const fault = polygonFault(polygon);
      if (fault !== undefined)
        this.notes.push(`${where}.zones[${i}].polygon: taken as it is, but it is odd: expected ${fault}`);
    }
    await this.#password({ passwordFile, passwordEnv }, username, where);
    this.#authority(await this.#pem(ca, `${where}.ca`), `${where}.ca`);
    const command = decoder?.command ?? [];
    const known = JSON.stringify(command.length > 1 ? command[0] : command);
    if (this.#decodersSeen.has(known)) return;
    this.#decodersSeen.add(known);
    const program = command[0];
    if (command.length > 1 && program !== undefined) {
      if (!(await isRunnable(program, this.#environment)))
        this.#problem(
          'DECODER_UNAVAILABLE',
          `${where}.decoder.command: expected a program, found none that runs as ${program}`,
        );
    } else
      await this.#trying(`${where}.decoder`, () => this.#decoders.ffmpegFor(decoder === undefined ? {} : { decoder }));
  }

  /** A note, not a problem: the unit may allow more than this shell. */
  files(cameras: number): void {
    const short = filesShort(cameras, openFiles());
    if (short !== undefined) this.notes.push(`here, ${short}`);
  }

  get #environment(): NodeJS.ProcessEnv {
    return this.#options.environment ?? process.env;
  }

  get #now(): number {
    return this.#options.now ?? Date.now();
  }

  #problem(code: ErrorCode, message: string, hint?: string): void {
    this.problems.push(new WaysideError(code, { message, ...(hint === undefined ? {} : { hint }) }));
  }

  async #trying(where: string, act: () => Promise<unknown>): Promise<void> {
    try {
      await act();
    } catch (thrown) {
      const { code, message, hint } = asWaysideError(thrown);
      this.#problem(code, message.startsWith(where) ? message : `${where}: ${message}`, hint);
    }
  }

  async #password(source: SecretSource, username: string | undefined, where: string): Promise<void> {
    const has = source.passwordFile !== undefined || source.passwordEnv !== undefined;
    if (has !== (username !== undefined)) {
      const [there, missing] = has ? ['a password', '`username`'] : ['`username`', '`passwordFile` or `passwordEnv`'];
      this.#problem('CONFIG_INVALID', `${where}: expected ${missing} beside ${there}, found none`);
    }
    if (source.passwordFile !== undefined && (await this.#isBrought(source.passwordFile, `${where}.passwordFile`)))
      return;
    await this.#trying(where, () => readSecret(source, where, this.#folder, this.#environment));
  }

  async #pem(path: string | undefined, where: string): Promise<Buffer | undefined> {
    if (path === undefined || (await this.#isBrought(path, where))) return undefined;
    let pem: Buffer | undefined;
    await this.#trying(where, async () => {
      pem = await readPem(path, where, this.#folder);
    });
    return pem;
  }

  #authority(pem: Buffer | undefined, where: string): void {
    const problem = pem === undefined ? undefined : authorityProblem(pem, this.#now);
    if (problem !== undefined) this.#problem('SECRET_UNREADABLE', `${where}: ${problem}`);
  }

  async #isBrought(named: string, where: string): Promise<boolean> {
    const brought = await broughtCredential(resolve(this.#folder, named), where, this.#options);
    if (brought === undefined) return false;
    if ('problem' in brought) this.problems.push(brought.problem);
    else this.notes.push(brought.note);
    return true;
  }
}

async function isRunnable(program: string, environment: NodeJS.ProcessEnv): Promise<boolean> {
  const folders = isAbsolute(program) || program.includes('/') ? [''] : (environment['PATH'] ?? '').split(delimiter);
  for (const folder of folders) {
    const found = await access(join(folder, program), constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
