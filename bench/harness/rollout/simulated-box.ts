import type { ModelDesiredMessage } from '../../../contract/messages/model-desired.ts';
import type { JobState } from '../../../contract/messages/model-report.ts';
import type { Body } from '../../../contract/messenger.ts';
import type { Log } from '../../../core/log.ts';
import type { Random } from '../../../core/random.ts';
import { agentSchema } from '../../../deploy/agent/config/schema.ts';
import { AgentUplink } from '../../../deploy/agent/uplink.ts';
import { type Fate, trialOf } from './fates.ts';

type Report = Body<'model-report'>;

interface SimulatedBoxOptions {
  readonly url: string;
  readonly site: string;
  readonly id: string;
  readonly groups?: readonly string[];
  readonly log: Log;
  readonly random: Random;
  /** How the model of a job does here; undefined: the box never answers. */
  readonly fate: (version: string) => Fate | undefined;
  /** From one state to the next, at most. */
  readonly stepMs: number;
}

const MODEL = 'vehicles';
const BEFORE = '1';
const SERVED = 100;

/**
 * A box without cameras: its connection, topics and messages are the agent's, and the judge of its trials too. What takes a
 * real one minutes, downloading and watching traffic, takes a moment.
 */
export class SimulatedBox {
  readonly id: string;
  readonly #options: SimulatedBoxOptions;
  readonly #uplink: AgentUplink;
  #report: Report;
  #step: NodeJS.Timeout | undefined;
  /** Versions that it tried, however its trial ended. */
  readonly tried = new Set<string>();
  /** Jobs that came with a number that the box had heard, answered or not: repetitions. */
  replayed = 0;
  /** Jobs that came, each counted once: the version that it named, by number. */
  readonly heard = new Map<number, string>();

  constructor(options: SimulatedBoxOptions) {
    const { site, id, groups = [], url, log } = options;
    this.id = id;
    this.#options = options;
    this.#report = {
      job: 0,
      rollout: null,
      state: 'idle',
      progress: null,
      wanted: null,
      running: modelOf(BEFORE),
      served: 10_000,
      reason: null,
      evidence: [],
      groups: [...groups],
      hardware: { architecture: 'x64', tags: [] },
    };
    const config = agentSchema.parse({
      site,
      box: id,
      groups,
      model: MODEL,
      repository: { url: 'https://127.0.0.1/', root: 'root.json' },
      mqtt: { url, keepaliveSeconds: 600 },
    });
    const none = { password: undefined, ca: undefined, cert: undefined, key: undefined };
    const loaded = { config, mqttSecrets: none, repositoryAuthority: undefined };
    this.#uplink = new AgentUplink(
      loaded,
      (job) => this.#hear(job),
      () => this.#report,
      log,
    );
  }

  get version(): string {
    return this.#report.running?.version ?? '';
  }

  start(): void {
    this.#uplink.start();
  }

  async stop(): Promise<void> {
    clearTimeout(this.#step);
    await this.#uplink.stop();
  }

  #hear(job: ModelDesiredMessage): void {
    if (this.heard.has(job.job) || job.job <= this.#report.job) {
      this.replayed++;
      return;
    }
    this.heard.set(job.job, job.model.version);
    const fate = this.#options.fate(job.model.version);
    if (fate === undefined) return;
    clearTimeout(this.#step);
    this.#say({ job: job.job, rollout: job.rollout, wanted: job.model, reason: null, evidence: [] });
    if (job.action === 'roll-back')
      this.#later(() => this.#say({ state: 'rolled-back', running: modelOf(BEFORE), served: 0 }));
    else this.#install(job.model.version, fate);
  }

  #install(version: string, fate: Fate): void {
    this.tried.add(version);
    const states: JobState[] = ['downloading', 'verifying', 'shadow'];
    const next = (): void => {
      const state = states.shift();
      if (state === undefined) {
        this.#judge(version, fate);
        return;
      }
      this.#say({ state });
      this.#later(next);
    };
    next();
  }

  #judge(version: string, fate: Fate): void {
    const { verdict } = trialOf(fate, this.#options.random);
    const evidence = verdict.evidence.slice(0, 3).map((each) => JSON.parse(JSON.stringify(each)));
    const reason = { code: verdict.reason ?? 'TRIAL_PROMOTED', message: verdict.reason ?? '' };
    if (verdict.step === 'roll-back') {
      this.#say({ state: 'rolled-back', reason, evidence });
      return;
    }
    this.#say({ state: 'probation' });
    this.#later(() => this.#say({ state: 'promoted', running: modelOf(version), served: SERVED, reason, evidence }));
  }

  #later(act: () => void): void {
    const { stepMs, random } = this.#options;
    this.#step = setTimeout(act, stepMs * (0.5 + 0.5 * random.next()));
  }

  #say(change: Partial<Report>): void {
    this.#report = { ...this.#report, ...change };
    this.#uplink.changed();
  }
}

const modelOf = (version: string) => ({ name: MODEL, version, digest: `sha256:${version.padStart(64, '0')}` });
