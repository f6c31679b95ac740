import { randomUUID } from 'node:crypto';
import { readMessage } from '../../../contract/messages/heard.ts';
import type { ModelDesiredMessage } from '../../../contract/messages/model-desired.ts';
import type { JobState } from '../../../contract/messages/model-report.ts';
import { groupTopic, topicOf } from '../../../contract/messages/topics.ts';
import { type Body, Messenger } from '../../../contract/messenger.ts';
import { Publisher } from '../../../contract/mqtt/publisher.ts';
import type { Log } from '../../../core/log.ts';
import type { Random } from '../../../core/random.ts';
import { type Fate, trialOf } from './fates.ts';

type Report = Body<'model-report'>;

interface SimulatedBoxOptions {
  readonly url: string;
  readonly site: string;
  readonly id: string;
  readonly groups?: readonly string[];
  readonly username?: string;
  readonly log: Log;
  readonly random: Random;
  /** How the model of a job does here; undefined: the box never answers. */
  readonly fate: (version: string) => Fate | undefined;
  /** From one state to the next, at most. */
  readonly stepMs: number;
  readonly repeatMs: number;
}

const MODEL = 'vehicles';
const BEFORE = '1';
const SERVED = 100;

/**
 * A box without cameras: its connection, its topics, its messages and the judge of its trials are those of a real one. What takes a
 * real one minutes, downloading and watching traffic, takes a moment.
 */
export class SimulatedBox {
  readonly id: string;
  readonly #options: SimulatedBoxOptions;
  readonly #publisher: Publisher;
  readonly #messenger: Messenger;
  readonly #ended = new AbortController();
  #report: Report;
  #repeat: NodeJS.Timeout | undefined;
  #step: NodeJS.Timeout | undefined;
  /** Jobs that came, and reports that went. */
  heard = 0;
  replayed = 0;
  said = 0;
  saidBytes = 0;

  constructor(options: SimulatedBoxOptions) {
    const { site, id, groups = [], url, username, log } = options;
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
    const clock = () => ({ synced: null, errorMs: null });
    this.#messenger = new Messenger({ site, box: id, session: randomUUID(), clock, telemetrySeconds: 60 });
    const tls = { ca: undefined, cert: undefined, key: undefined };
    const broker = {
      url,
      clientId: `wayside-${site}-${id}-agent`,
      keepaliveSeconds: 600,
      username,
      password: undefined,
      ...tls,
    };
    this.#publisher = new Publisher(broker, () => undefined, log);
    this.#messenger.attach(this.#publisher);
    this.#messenger.retain('model-report', () => {
      this.said++;
      this.saidBytes += JSON.stringify(this.#report).length;
      return this.#report;
    });
    const topics = [topicOf(this.#messenger.root, 'model-desired'), ...groups.map((group) => groupTopic(site, group))];
    for (const topic of topics)
      this.#publisher.subscribe(topic, ({ payload }) => {
        const job = readMessage('model-desired', Buffer.from(payload));
        if (job !== undefined) this.#hear(job);
      });
  }

  get connected(): boolean {
    return this.#publisher.status().connected;
  }

  get reconnects(): number {
    return this.#publisher.status().reconnects;
  }

  get version(): string {
    return this.#report.running?.version ?? '';
  }

  start(): void {
    this.#publisher.start();
    this.#repeat = setInterval(() => this.#messenger.repeat('model-report'), this.#options.repeatMs);
  }

  async stop(): Promise<void> {
    this.#ended.abort();
    clearInterval(this.#repeat);
    clearTimeout(this.#step);
    await this.#publisher.stop(200);
  }

  #hear(job: ModelDesiredMessage): void {
    this.heard++;
    if (job.job <= this.#report.job) {
      this.replayed++;
      return;
    }
    const fate = this.#options.fate(job.model.version);
    if (fate === undefined) return;
    clearTimeout(this.#step);
    this.#say({ job: job.job, rollout: job.rollout, wanted: job.model, reason: null, evidence: [] });
    if (job.action === 'roll-back')
      this.#later(() => this.#say({ state: 'rolled-back', running: modelOf(BEFORE), served: 0 }));
    else this.#install(job.model.version, fate);
  }

  #install(version: string, fate: Fate): void {
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
    this.#messenger.repeat('model-report');
  }
}

const modelOf = (version: string) => ({ name: MODEL, version, digest: `sha256:${version.padStart(64, '0')}` });
