import { resolve } from 'node:path';
import { WaysideError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { type AdmittedPackage, admitPackage } from '../deploy/admit.ts';
import type { LoadedConfig } from './config/load.ts';
import type { InferenceOptions } from './inference/client.ts';
import type { InferenceService } from './inference/service.ts';
import { type RunningModel, sameModel } from './reload.ts';

/** The part of the service that decides which processes run; frames are not its business. */
type Service = Pick<InferenceService<unknown>, 'start' | 'swap'>;

const optionsOf = ({ admitted, config }: RunningModel): InferenceOptions => ({
  package: admitted.dir,
  threads: config.threads,
  hangMs: config.hangSeconds * 1000,
  memoryLimitBytes: config.memoryLimitMb * 2 ** 20,
});

/**
 * Which model runs, and why the one asked for does not. A package is admitted (complete, unaltered) before a process is
 * given to it, and takes over only once that process has reproduced its golden samples.
 */
export class ModelChoice {
  readonly #service: Service;
  readonly #log: Log;
  #running: RunningModel | undefined;
  #refused: string | undefined;

  constructor(service: Service, log: Log) {
    this.#service = service;
    this.#log = log;
  }

  get running(): RunningModel | undefined {
    return this.#running;
  }

  /** Why the package that the configuration names is not in use. */
  get refused(): string | undefined {
    return this.#refused;
  }

  /** Makes the package of a configuration the running one; one that is refused leaves the one before in use. */
  async apply({ config, folder }: LoadedConfig): Promise<void> {
    const keys = config.model.keys?.map((key) => resolve(folder, key));
    const admitted = await this.#admit(resolve(folder, config.model.package), keys);
    if (admitted === undefined) return;
    const next = { admitted, config: config.model };
    if (this.#running === undefined) {
      this.#running = next;
      this.#service.start(optionsOf(next));
    } else if (!sameModel(this.#running, next)) await this.#swap(next);
  }

  async #swap(next: RunningModel): Promise<void> {
    this.#log.info({ model: next.admitted.identity }, 'another model is being prepared');
    const outcome = await this.#service.swap(optionsOf(next));
    if ('ready' in outcome) this.#running = next;
    else this.#refuse(`${outcome.end.code}: ${outcome.end.message}`);
  }

  async #admit(dir: string, keys: readonly string[] | undefined): Promise<AdmittedPackage | undefined> {
    this.#refused = undefined;
    try {
      return await admitPackage(dir, keys);
    } catch (thrown) {
      if (!(thrown instanceof WaysideError)) throw thrown;
      this.#refuse(`${thrown.code}: ${thrown.message}`, thrown.hint);
      return undefined;
    }
  }

  #refuse(reason: string, hint?: string): void {
    this.#refused = reason;
    this.#log.error({ reason, hint }, 'the model package was refused');
  }
}
