import { resolve } from 'node:path';
import { WaysideError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { type AdmittedPackage, admitPackage } from '../../deploy/admit.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { InferenceEnd, InferenceOptions } from '../inference/client.ts';
import type { InferenceService } from '../inference/service.ts';
import { type ModelPlace, type ModelSettings, modelPlaces } from './places.ts';
import { type RunningModel, sameModel } from './reload.ts';

/** The part of the service that decides which processes run; frames are not its business. */
type Service = Pick<InferenceService<unknown>, 'start' | 'swap'>;

export const optionsOf = ({ admitted, config }: RunningModel): InferenceOptions => ({
  package: admitted.dir,
  threads: config.threads,
  provider: config.provider,
  ...(config.runtimeLibrary === undefined ? {} : { runtimeLibrary: config.runtimeLibrary }),
  hangMs: config.hangSeconds * 1000,
  memoryLimitBytes: config.memoryLimitMb * 2 ** 20,
});

/** A process that ends without a word while it loads may have been killed from outside; not three times in a row. */
const SILENT_ENDS = 3;
/** What was refused is read again, to its last byte, at these intervals: somebody may have repaired it. */
const LOOK_AGAIN = { firstMs: 10_000, longestMs: 60_000 };

/** Public keys, one of which must have signed what this configuration runs. */
const keysOf = ({ config, folder }: ModelSettings): readonly string[] | undefined =>
  config.model.keys?.map((key) => resolve(folder, key));

/** @throws {WaysideError} as `admitPackage`; PACKAGE_INVALID for another package than the store holds there */
export async function admitPlace({ dir, digest }: ModelPlace, loaded: ModelSettings): Promise<AdmittedPackage> {
  const admitted = await admitPackage(dir, keysOf(loaded));
  if (digest === undefined || admitted.identity.digest === digest) return admitted;
  throw new WaysideError('PACKAGE_INVALID', {
    message: `${dir}: expected package ${digest}, got ${admitted.identity.digest}`,
    hint: 'the store names another package for this slot: see `wayside store status`',
  });
}

/** A package that should run, and why it does not. */
export interface UnusablePackage extends Pick<InferenceEnd, 'code' | 'message'> {
  /** Undefined where only its own manifest says so, and cannot be read. */
  readonly digest: string | undefined;
}

const said = ({ code, message }: Pick<InferenceEnd, 'code' | 'message'>): string => `${code}: ${message}`;

/**
 * Which model runs, and why the one asked for does not. A package is admitted (complete, unaltered) before a process is
 * given to it, and takes over only once that process has reproduced its golden samples.
 *
 * There is always one to fall back to where the disk holds one: a package that is damaged, or that its process cannot load,
 * gives way to the next place. A process that works is never ended for one that is older because files changed beneath it.
 */
export class ModelChoice {
  readonly #service: Service;
  readonly #log: Log;
  #running: RunningModel | undefined;
  #refused: string | undefined;
  #fallback: string | undefined;
  /** Why processes could not load packages that looked whole, by folder and digest. */
  readonly #unloadable = new Map<string, InferenceEnd>();
  #unusable: readonly UnusablePackage[] = [];
  /** Whether the process of `#running` has yet to show that it can load it. */
  #loading = false;
  #looks = 0;
  #lookAgainAt = Number.POSITIVE_INFINITY;

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

  /** Why another package runs than the one preferred, and which. */
  get fallback(): string | undefined {
    return this.#fallback;
  }

  /** Packages that deserve to run sooner than what does, and why they do not. */
  get unusable(): readonly UnusablePackage[] {
    return this.#unusable;
  }

  /** Makes the package of a configuration the running one; one that is refused leaves the one before in use. */
  async apply(loaded: LoadedConfig): Promise<void> {
    this.#unloadable.clear();
    this.#looks = 0;
    await this.#settle(loaded);
  }

  /** What runs already, in a process that another made ready, is what the store says: a candidate was promoted. */
  adopt(running: RunningModel): void {
    this.#running = running;
    this.#loading = false;
  }

  /** The process of the running model has loaded it. */
  loaded(): void {
    this.#loading = false;
  }

  /**
   * The process of the running model ended.
   *
   * @param failures in a row
   * @returns whether another place has to be looked for
   */
  ended(end: InferenceEnd, failures: number): boolean {
    const wasLoading = this.#loading;
    this.#loading = true; // the next one has to load it again
    if (this.#running === undefined || !wasLoading) return false;
    if (end.code === 'INFERENCE_LOST' && failures < SILENT_ENDS) return false;
    const key = keyOf(this.#running.admitted);
    if (this.#unloadable.has(key)) return false;
    this.#unloadable.set(key, end);
    return true;
  }

  /** Whether it is time to look whether what was refused can be used now. */
  isTimeToLook(now = performance.now()): boolean {
    return now >= this.#lookAgainAt;
  }

  /** Looks again, without trying anew what could not be loaded. */
  async look(loaded: LoadedConfig): Promise<void> {
    await this.#settle(loaded);
  }

  async #settle(loaded: LoadedConfig): Promise<void> {
    const lacks: UnusablePackage[] = [];
    const used = await this.#useFirst(loaded, lacks);
    this.#unusable = lacks;
    const reasons = lacks.map(said);
    if (used !== undefined) return this.#settled(reasons, used.name);
    if (this.#running !== undefined && !this.#works && reasons.length > 0 && this.#unloadable.size > 0) {
      this.#rest(true); // its process is tried again and again, and the state says what it ends with
      return;
    }
    this.#refuse(reasons.join('; ') || 'the configuration names no package that is there');
  }

  /** @returns the first place whose package can be used */
  async #useFirst(loaded: LoadedConfig, lacks: UnusablePackage[]): Promise<ModelPlace | undefined> {
    for (const place of await modelPlaces(loaded)) {
      if (await this.#use(place, loaded, lacks)) return place;
      // A package that was named by hand: nothing says that what is left of it is better than what works.
      if (this.#works && loaded.config.model.package !== undefined) return undefined;
    }
    return undefined;
  }

  get #works(): boolean {
    return this.#running !== undefined && !this.#loading;
  }

  /** @returns whether what lies there is what runs now */
  async #use(place: ModelPlace, loaded: LoadedConfig, lacks: UnusablePackage[]): Promise<boolean> {
    let admitted: AdmittedPackage;
    try {
      admitted = await admitPlace(place, loaded);
    } catch (thrown) {
      if (!(thrown instanceof WaysideError)) throw thrown;
      const { code, message } = thrown;
      lacks.push({ digest: place.digest, code, message });
      return this.#stillRuns(place, thrown);
    }
    const next = { admitted, config: loaded.config.model };
    const failed = this.#unloadable.get(keyOf(admitted));
    if (failed !== undefined) lacks.push(lackOf(admitted, failed));
    else if (this.#running === undefined) this.#start(next);
    else if (!sameModel(this.#running, next)) return this.#swap(next, lacks);
    return failed === undefined;
  }

  /** A process goes on with what it loaded when the files beneath it are damaged, as long as the store wants that package to run. */
  #stillRuns({ dir, digest }: ModelPlace, { hint }: WaysideError): boolean {
    if (hint !== undefined) this.#log.debug({ hint }, 'a package cannot be used');
    const running = this.#works ? this.#running?.admitted : undefined;
    return digest !== undefined && running?.dir === dir && running.identity.digest === digest;
  }

  #start(next: RunningModel): void {
    this.#running = next;
    this.#loading = true;
    this.#service.start(optionsOf(next));
  }

  async #swap(next: RunningModel, lacks: UnusablePackage[]): Promise<boolean> {
    this.#log.info({ model: next.admitted.identity }, 'another model is being prepared');
    const outcome = await this.#service.swap(optionsOf(next));
    if ('ready' in outcome) {
      this.#running = next;
      this.#loading = false;
      return true;
    }
    this.#unloadable.set(keyOf(next.admitted), outcome.end);
    lacks.push(lackOf(next.admitted, outcome.end));
    return false;
  }

  #settled(reasons: readonly string[], place: string): void {
    this.#refused = undefined;
    const { name, version } = this.#running?.admitted.identity ?? { name: '', version: '' };
    const fallback = reasons.length === 0 ? undefined : `${reasons.join('; ')}; ${place} runs: ${name} ${version}`;
    if (fallback !== undefined && fallback !== this.#fallback)
      this.#log.error({ reasons, place }, 'another model package runs than the one preferred');
    this.#fallback = fallback;
    this.#rest(fallback !== undefined);
  }

  #refuse(reason: string): void {
    if (reason !== this.#refused) this.#log.error({ reason }, 'the model package was refused');
    this.#refused = reason;
    this.#fallback = undefined;
    this.#rest(true);
  }

  #rest(again: boolean): void {
    const { firstMs, longestMs } = LOOK_AGAIN;
    const wait = Math.min(longestMs, firstMs * 2 ** Math.min(10, this.#looks++));
    this.#lookAgainAt = again ? performance.now() + wait : Number.POSITIVE_INFINITY;
  }
}

const lackOf = ({ identity: { digest } }: AdmittedPackage, { code, message }: InferenceEnd): UnusablePackage => ({
  ...{ digest, code, message },
});

const keyOf = ({ dir, identity }: AdmittedPackage): string => `${dir} ${identity.digest}`;
