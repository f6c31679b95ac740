import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { rootTopic } from '../../contract/messages/topics.ts';
import type { BrokerProbe } from '../../contract/mqtt/probe.ts';
import type { AgentConfig } from '../../deploy/agent/config/schema.ts';
import type { CameraFacts } from '../camera/probe.ts';
import type { CameraConfig, Config } from '../config/schema.ts';
import type { CertificateFacts } from '../probe/certificate.ts';
import type { ModelFacts } from '../probe/model.ts';
import type { Prober } from '../probe/prober.ts';
import type { RepositoryFacts } from '../probe/repository.ts';
import { mostShown } from './model-load.ts';
import { brokerAs, namedFile, namedPassword, type Placed } from './secrets.ts';

/** What takes time, or speaks with other machines, and is wanted by several checks: each is measured once. */
export class Measures {
  readonly #prober: Pick<Prober, 'ask'>;
  readonly #signal: AbortSignal;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #done = new Map<string, Promise<unknown>>();

  constructor(prober: Pick<Prober, 'ask'>, signal: AbortSignal, environment: NodeJS.ProcessEnv) {
    this.#prober = prober;
    this.#signal = signal;
    this.#environment = environment;
  }

  /** @throws {WaysideError} why it cannot be had */
  camera({ config: camera, folder }: Placed<CameraConfig>): Promise<CameraFacts> {
    return this.#once(`camera ${camera.id}`, async () => {
      const { url, username, transport, insecure, connectSeconds, decoder } = camera;
      const password = await namedPassword(camera, folder, this.#environment);
      const ca = (await namedFile(camera.ca, folder))?.toString('latin1');
      const asked = {
        url,
        transport,
        trust: { ca, insecure },
        ...(username === undefined ? {} : { username }),
        ...(password === undefined ? {} : { password }),
        ...(decoder === undefined ? {} : { decoder }),
      };
      return await this.#prober.ask('camera', { camera: asked, timeoutMs: connectSeconds * 1000 }, this.#signal);
    });
  }

  /** @throws {WaysideError} BROKER_UNAVAILABLE */
  broker({ config, folder }: Placed<Config | AgentConfig>, as: 'daemon' | 'agent'): Promise<BrokerProbe> {
    return this.#once(`broker ${as}`, async () => {
      const { site, box } = config;
      const broker = await brokerAs({ config, folder }, `wayside-doctor-${site}-${box}`, this.#environment);
      return await this.#prober.ask('broker', { broker, root: rootTopic(site, box) }, this.#signal);
    });
  }

  /** @throws {WaysideError} BROKER_UNAVAILABLE where it shows none */
  certificate(url: URL, ca: Buffer | undefined): Promise<CertificateFacts> {
    return this.#once(`certificate ${url.host}`, () =>
      this.#prober.ask('certificate', { host: url.hostname, port: Number(url.port || 8883), ca }, this.#signal),
    );
  }

  /** @throws {WaysideError} why none can run */
  model({ config, folder }: Placed<Config>): Promise<ModelFacts> {
    const { model, cameras } = config;
    const question = { config: { model }, folder, regions: mostShown(cameras) };
    return this.#once('model', () => this.#prober.ask('model', question, this.#signal));
  }

  /** @throws {WaysideError} as `TufClient.refresh` */
  repository({ config, folder }: Placed<AgentConfig>): Promise<RepositoryFacts> {
    return this.#once('repository', async () => {
      const { repository, store } = config;
      const trustedFolder = join(resolve(folder, store), 'tuf');
      const names = (await readdir(trustedFolder).catch(() => [])).filter((name) => /\.json$|^floors\./.test(name));
      const files = names.map(async (name) => [name, await readFile(join(trustedFolder, name))] as const);
      return await this.#prober.ask(
        'repository',
        {
          url: repository.url,
          root: await readFile(resolve(folder, repository.root)),
          ca: (await namedFile(repository.ca, folder))?.toString('latin1'),
          trusted: new Map(await Promise.all(files)),
        },
        this.#signal,
      );
    });
  }

  #once<T>(key: string, measure: () => Promise<T>): Promise<T> {
    const known = this.#done.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const measured = measure();
    measured.catch(() => undefined); // whoever asks is told
    this.#done.set(key, measured);
    return measured;
  }
}
