import { randomUUID } from 'node:crypto';
import type { ModelDesiredMessage } from '../../../contract/messages/model-desired.ts';
import { diskFiles } from '../../../core/file-system.ts';
import { createLog } from '../../../core/log.ts';
import { Agent } from '../../../deploy/agent/agent.ts';
import { TufClient } from '../../../deploy/agent/tuf/client.ts';
import { ModelStore } from '../../../deploy/store/model-store.ts';
import { digestAt } from '../../../deploy/store/snapshot.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';
import type { FromAgent } from '../../../deploy/trial/protocol.ts';
import { copyIn, MemoryFiles } from './memory-files.ts';
import { MemoryTransport, MODEL, type PublishedModels } from './office.ts';

const ROOT = '/store';
const FACTORY_ROOT = '/etc/root.json';
/** Decisions that the longest job takes, restarts and waiting counted, are a tenth of it. */
const MOST_STEPS = 400;
const AGO = Date.now();
const quiet = createLog('power-cuts', { write: () => {} });
quiet.level = 'silent';

/** A box as it leaves the workshop. */
export async function factoryDisk({ factory, root }: PublishedModels): Promise<MemoryFiles> {
  const files = new MemoryFiles();
  await files.makeFolder(`${ROOT}/factory`);
  await copyIn(files, diskFiles, factory, `${ROOT}/factory/${MODEL}`);
  await files.makeFolder('/etc');
  await (await files.open(FACTORY_ROOT, 'new')).write(root);
  files.flushAll();
  return files;
}

export const storeOn = (files: MemoryFiles): ModelStore => new ModelStore(files, ROOT, MODEL, () => new Date(AGO));

const measured = { failed: 0, latencyMs: 10, memoryMb: 50, restarts: 0 };

/** One life of a box between two starts: the real agent on a disk in memory, and a daemon that shows what each version does. */
export class Box {
  readonly #files: MemoryFiles;
  readonly #agent: Agent;
  readonly #heard: FromAgent[] = [];
  /** Versions that are slower than allowed. */
  readonly #slow: ReadonlySet<string>;
  #trial: { readonly id: string; readonly version: string; answers: boolean; index: number } | undefined;
  #now = AGO;

  constructor(files: MemoryFiles, models: PublishedModels, slow: ReadonlySet<string>) {
    this.#files = files;
    this.#slow = slow;
    const transport = new MemoryTransport(models.files);
    const now = (): number => this.#now;
    this.#agent = new Agent(
      {
        store: storeOn(files),
        files,
        repository: () =>
          new TufClient({
            ...{ folder: `${ROOT}/tuf`, factoryRoot: FACTORY_ROOT, metadataUrl: 'https://office/metadata/' },
            ...{ transport, files, now },
          }),
        tell: (message) => this.#heard.push(message) > 0,
        freeBytes: () => Promise.resolve(Number.POSITIVE_INFINITY),
        now,
        clock: now,
        log: quiet,
      },
      {
        model: MODEL,
        reservedBytes: 0,
        promoteWithoutTrial: false,
        limits: trialLimits.parse({ shadowBlocks: 1, probationBlocks: 1 }),
        blockFrames: { least: 1, most: 1 },
        longestTrialHours: 1,
        windowOpensAt: (at) => at,
      },
    );
  }

  /** The agent starts, and the daemon says hello. */
  async start(): Promise<void> {
    await this.#agent.start();
    this.#agent.hearDaemon({
      ...{ v: 1, type: 'hello', daemon: 'bench', packageFormats: [1, 2], runtime: 'none', model: null },
    });
    await this.#serve();
  }

  order(job: number, version: string, action: ModelDesiredMessage['action'] = 'install'): void {
    const at = new Date(AGO).toISOString();
    this.#agent.hearJob({
      schema: 'wayside/v1/model-desired',
      ...{ id: randomUUID(), session: randomUUID(), seq: 0, capturedAt: at, publishedAt: at },
      ...{ clock: { synced: null, errorMs: null }, job, rollout: 'r', action, model: { name: MODEL, version } },
    });
  }

  /** Works until nothing is left to do. @param onStep called after every decision and what was done for it */
  async work(onStep: () => Promise<void> | void = () => {}): Promise<void> {
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      const step = await this.#agent.advance();
      await onStep();
      await this.#answer();
      if (!('wait' in step)) continue;
      if (step.wait === 'a job') return;
      if (step.until !== undefined) this.#now = Math.max(this.#now, step.until);
      else if (step.wait === 'the trial') this.#show();
      else if (step.wait === 'frames of the new model') await this.#serve();
      else throw new Error(`it waits for ${step.wait}`);
    }
    throw new Error(`after ${MOST_STEPS} steps there is no end`);
  }

  async #serve(): Promise<void> {
    const store = storeOn(this.#files);
    const found = await store.runnable();
    const digest = found && digestAt(await store.snapshot(), found.place);
    if (found === undefined || digest === undefined) return;
    const { name, version } = found.manifest;
    this.#agent.hearDaemon({
      v: 1,
      type: 'served',
      frames: 10,
      model: { name, version, digest: digest as `sha256:${string}` },
    });
  }

  async #answer(): Promise<void> {
    for (let message = this.#heard.shift(); message !== undefined; message = this.#heard.shift()) {
      if (message.type === 'try') {
        this.#trial = { id: message.trial, version: message.model.version, answers: false, index: 0 };
        this.#agent.hearDaemon({ v: 1, type: 'candidate', trial: message.trial, event: 'ready', labels: 3 });
      } else if (message.type === 'take-over' && this.#trial !== undefined) {
        this.#trial.answers = true;
        this.#agent.hearDaemon({ v: 1, type: 'candidate', trial: message.trial, event: 'answers' });
      } else if (message.type === 'end') this.#trial = undefined;
      else if (message.type === 'reload') await this.#serve();
    }
  }

  /** Twenty blocks of traffic: several decide nothing for themselves. */
  #show(): void {
    const trial = this.#trial;
    if (trial === undefined) throw new Error('the agent waits for a trial that it did not begin');
    for (let count = 0; count < 20; count++) {
      const candidate = this.#slow.has(trial.version) ? { ...measured, latencyMs: 40 } : measured;
      this.#agent.hearDaemon({
        ...{ v: 1, type: 'block', trial: trial.id, index: trial.index++ },
        block: {
          ...{ phase: trial.answers ? 'probation' : 'shadow', frames: 500, old: measured, candidate },
          ...{ classShift: {}, disagreement: 0, scoreDrift: 0, longestGapSeconds: 0.1 },
        },
      });
    }
  }
}
