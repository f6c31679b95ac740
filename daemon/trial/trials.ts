import { asWaysideError, WaysideError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { AdmittedPackage } from '../../deploy/admit.ts';
import type { TrialTask } from '../../deploy/trial/measures.ts';
import type { FromAgent, FromDaemon } from '../../deploy/trial/protocol.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { PendingFrame } from '../detections.ts';
import type { InferenceEnd } from '../inference/client.ts';
import type { ModelPair } from '../inference/pair.ts';
import type { CandidateListeners } from '../inference/pair-listeners.ts';
import type { Ready } from '../inference/protocol.ts';
import { admitPlace, type ModelChoice, optionsOf } from '../model/choice.ts';
import { type ModelPlace, modelPlaces, slotAt, storeOf } from '../model/places.ts';
import type { RunningModel } from '../model/reload.ts';
import { residentBytes } from '../telemetry/processes.ts';
import { classScheme } from '../vision/class-scheme.ts';
import { BlockBuilder } from './block-builder.ts';
import { BoxComparison } from './box-comparison.ts';
import { comparedLines } from './line-comparison.ts';
import { RegionComparison } from './region-comparison.ts';

type Without<T> = T extends unknown ? Omit<T, 'v'> : never;
/** What is said of a trial. */
export type TrialNews = Without<Extract<FromDaemon, { type: 'candidate' | 'block' }>>;
type TrialOrder = Extract<FromAgent, { type: 'try' }>;

/** What an agent may ask of a box. Each is done after what was asked before. */
export interface TrialControl {
  begin(order: TrialOrder): void;
  takeOver(trial: string): void;
  /** The store says what runs now. */
  end(trial: string | undefined, reason: string): void;
  reload(): void;
}

interface TrialParts {
  readonly pair: ModelPair<PendingFrame>;
  readonly choice: ModelChoice;
  readonly loaded: () => LoadedConfig;
  readonly news: (news: TrialNews) => void;
  /** A trial is over that says nothing of its candidate. */
  readonly untried: (why: string) => void;
  /** Does something after what decides about models already. */
  readonly inTurn: (act: () => Promise<void>) => Promise<void>;
  /** What the configuration and the store say is brought about. */
  readonly settle: () => Promise<void>;
  readonly log: Log;
}

/** Deaths after its first readiness with which a candidate is given up here, whatever the agent's limits are. */
const MOST_RESTARTS = 5;

interface CurrentTrial {
  readonly id: string;
  readonly candidate: RunningModel;
  readonly builder: BlockBuilder<PendingFrame>;
  readonly task: TrialTask;
  phase: 'shadow' | 'probation';
  blocks: number;
  ready: boolean;
  restarts: number;
}

/**
 * Runs the candidates that the agent brings, one at a time, beside the running model, and reports what it sees. It decides nothing: the
 * agent does, and writes it into the store, which is read when a trial ends.
 */
export class Trials implements TrialControl {
  readonly #parts: TrialParts;
  #current: CurrentTrial | undefined;

  constructor(parts: TrialParts) {
    this.#parts = parts;
  }

  begin(order: TrialOrder): void {
    this.#later(async () => {
      this.#stop();
      const place = await this.#placeOf(order);
      if (place === undefined) return;
      try {
        const admitted = await admitPlace(place, this.#parts.loaded());
        this.#mustCompare(admitted);
        this.#start(order, admitted);
      } catch (thrown) {
        const { code, message } = asWaysideError(thrown);
        this.#failed(order.trial, { code, message });
      }
    });
  }

  takeOver(trial: string): void {
    this.#later(async () => {
      const current = this.#current;
      if (current?.id !== trial || current.phase === 'probation') return;
      current.phase = 'probation';
      current.builder.beginPhase();
      this.#parts.pair.takeOver();
    });
  }

  end(trial: string | undefined, reason: string): void {
    this.#later(async () => {
      const current = this.#current;
      if (trial === undefined || trial === current?.id) {
        this.#parts.log.info({ trial: current?.id, reason }, 'the trial is over');
        if (current !== undefined && (await this.#isPromoted(current))) this.#promote(current);
        else this.#stop();
      }
      await this.#parts.settle();
    });
  }

  reload(): void {
    this.#later(() => this.#parts.settle());
  }

  /** The configuration of the model is another one: a trial under the old one says nothing. */
  abort(reason: string): void {
    if (this.#current === undefined) return;
    this.#stop();
    this.#untried(reason);
  }

  /** The running model's process ended. */
  runningEnded(): void {
    this.#current?.builder.restarted('running');
  }

  /** To be called about twice a second. @param live whether a camera is live */
  check(live: boolean): void {
    if (this.#current === undefined) return;
    const { running, candidate } = this.#parts.pair.pids;
    const bytes = (pid: number | undefined): number | null => (pid === undefined ? null : residentBytes(pid));
    const memory = { running: bytes(running), candidate: bytes(candidate) };
    this.#current.builder.tick(memory, live, performance.now());
  }

  /** The slot that is meant: no other folder is ever loaded. An agent with another store than this box's is no fault of the candidate. */
  async #placeOf({ package: dir, model: { name, digest } }: TrialOrder): Promise<ModelPlace | undefined> {
    const loaded = this.#parts.loaded();
    const store = storeOf(loaded);
    const slot = store === undefined ? undefined : await slotAt(store, dir);
    if (store !== undefined && slot !== undefined && name === loaded.config.model.name)
      return { dir: store.package(slot), name: `slot ${slot}`, digest };
    const wanted = `a slot of ${store?.slots ?? 'a store'} with the model ${loaded.config.model.name}`;
    this.#untried(`expected ${wanted}, got ${dir} with ${name}: agent and daemon have to use one store`);
    return undefined;
  }

  #untried(why: string): void {
    this.#parts.log.error({ reason: why }, 'a candidate is not tried');
    this.#parts.untried(why);
  }

  /** @throws {WaysideError} MODEL_UNSUPPORTED where no measure compares a model with the one that runs */
  #mustCompare({ manifest, identity }: AdmittedPackage): void {
    const running = this.#parts.choice.running?.admitted;
    if (running === undefined || trialTask(running.manifest.task) === trialTask(manifest.task)) return;
    const of = ({ task = 'classification' }: typeof manifest): string => `task ${task}`;
    throw new WaysideError('MODEL_UNSUPPORTED', {
      message: `${identity.name} ${identity.version} has the ${of(manifest)}, the model that runs the ${of(running.manifest)}: nothing compares them`,
      hint: 'a model of another task takes the place of one by `model.package` or a store of its own, not by a trial',
    });
  }

  #start({ trial: id, blockFrames }: TrialOrder, admitted: AdmittedPackage): void {
    const candidate = { admitted, config: this.#parts.loaded().config.model };
    const task = trialTask(admitted.manifest.task);
    const comparison =
      task === 'detector' ? new BoxComparison(() => this.#parts.loaded().config) : new RegionComparison();
    const builder = new BlockBuilder<PendingFrame>(blockFrames, comparison, performance.now());
    const current: CurrentTrial = {
      ...{ id, candidate, builder, task, phase: 'shadow', blocks: 0, ready: false, restarts: 0 },
    };
    this.#current = current;
    this.#parts.log.info({ trial: id, model: admitted.identity }, 'a candidate is being loaded');
    this.#parts.pair.beginTrial(optionsOf(candidate), this.#listenersOf(current));
  }

  #listenersOf(current: CurrentTrial): CandidateListeners<PendingFrame> {
    const { id: trial, builder, task } = current;
    const { news } = this.#parts;
    return {
      onReady: (ready) => {
        if (!current.ready) news({ type: 'candidate', trial, event: 'ready', ...this.#judgedBy(task, ready) });
        current.ready = true;
      },
      onEnd: (end) => {
        builder.restarted('candidate');
        if (current.ready && ++current.restarts <= MOST_RESTARTS) return;
        this.#failed(trial, end);
        this.#stop();
      },
      onCompared: (compared) => {
        if (trialTask(compared.running.ready.task) !== task) {
          this.abort('the running model is one of another task now');
          return;
        }
        const block = builder.add(compared, current.phase, performance.now());
        if (block !== undefined) news({ type: 'block', trial, index: current.blocks++, block });
      },
      onMissed: () => builder.missed(),
      onAnswers: (candidate) => {
        if (candidate) news({ type: 'candidate', trial, event: 'answers' });
        else this.#parts.log.error({ trial }, 'the candidate fell while it answered: the running model answers again');
      },
    };
  }

  /** What the agent has to know of a candidate before its first block. */
  #judgedBy(
    task: TrialTask,
    { labels }: Ready,
  ): Pick<Extract<TrialNews, { type: 'candidate' }>, 'labels' | 'task' | 'lines'> {
    const { cameras, counting } = this.#parts.loaded().config;
    if (task === 'classifier') return labels === null ? {} : { labels: labels.length };
    const { classes } = classScheme(labels ?? [], counting.classes).scheme;
    return { task, labels: classes.length, lines: comparedLines(cameras).length };
  }

  #failed(trial: string, { code, message }: Pick<InferenceEnd, 'code' | 'message'>): void {
    this.#parts.log.error({ trial, code, reason: message }, 'the candidate failed');
    this.#parts.news({ type: 'candidate', trial, event: 'failed', code, message: message.slice(0, 2000) });
  }

  async #isPromoted({ candidate: { admitted }, ready }: CurrentTrial): Promise<boolean> {
    const [first] = await modelPlaces(this.#parts.loaded());
    return ready && first?.dir === admitted.dir && first.digest === admitted.identity.digest;
  }

  #promote({ candidate }: CurrentTrial): void {
    this.#current = undefined;
    this.#parts.choice.adopt(candidate);
    this.#parts.pair.endTrial('candidate');
  }

  #stop(): void {
    this.#current = undefined;
    this.#parts.pair.endTrial('running');
  }

  #later(act: () => Promise<void>): void {
    this.#parts.inTurn(act).catch((error: unknown) => this.#parts.log.error({ err: error }, 'a trial'));
  }
}

/** By what a model is compared: by classes of regions, or by boxes. */
const trialTask = (task: Ready['task'] | undefined): TrialTask =>
  task === undefined || task === 'classification' ? 'classifier' : 'detector';
