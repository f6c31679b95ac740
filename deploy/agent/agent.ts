import type { ModelDesiredMessage } from '../../contract/messages/model-desired.ts';
import { asWaysideError, messageOf, WaysideError } from '../../core/errors.ts';
import { digestOf } from '../../core/hash.ts';
import type { WantedRecord } from '../store/records.ts';
import { readManifestText, verifyPackage } from '../store/verify-package.ts';
import { type FromDaemon, PROTOCOL_VERSION } from '../trial/protocol.ts';
import { compareVersions } from '../version.ts';
import { newestVersion } from './discovery.ts';
import { afterFailure } from './failure.ts';
import { type Factory, type Gathered, gather } from './gather.ts';
import { plan, type Step } from './planner.ts';
import { reasonText } from './reason.ts';
import type { Reason, Situation } from './situation.ts';
import { take } from './steps/take.ts';
import type { Memory, Settings, Source, Tools, Work } from './work.ts';

/** A step that changes nothing is not taken for ever. */
const MOST_REPEATS = 3;
/** The clock may be set at any time: what is waited for by it is looked at again after so long. */
const LONGEST_SLEEP_MS = 60_000;

/** What somebody may want to know of the agent now. */
export interface AgentState {
  readonly step: Step | undefined;
  readonly situation: Situation | undefined;
  readonly memory: Readonly<Memory>;
  /** What went wrong outside of a job: the repository could not be asked for something newer, a job could not be noted. */
  readonly notice: Reason | undefined;
}

const emptyMemory = (): Pick<Memory, 'target' | 'downloaded' | 'wholeOnly' | 'progress'> => ({
  target: undefined,
  downloaded: undefined,
  wholeOnly: false,
  progress: undefined,
});

/** The loop of a box's updates: look at everything, decide one step, take it, look again. What happens meanwhile waits for its turn. */
export class Agent {
  readonly #tools: Tools;
  #settings: Settings;
  readonly #onChange: () => void;
  readonly #memory: Memory = { ...emptyMemory(), session: undefined, daemon: undefined, evidence: [] };
  readonly #inbox: (() => Promise<void>)[] = [];
  #factory: Factory | undefined;
  #paused: Situation['paused'];
  #failures = 0;
  #repeats = { step: '', times: 0 };
  #step: Step | undefined;
  #situation: Situation | undefined;
  #notice: Reason | undefined;
  #work = new AbortController();
  /** Something happened since the last look. */
  #awake = false;
  #endSleep: () => void = () => {};
  #highest = 0;

  /** @param onChange called when what {@link state} says has changed */
  constructor(tools: Tools, settings: Settings, onChange: () => void = () => {}) {
    this.#tools = tools;
    this.#settings = settings;
    this.#onChange = onChange;
  }

  get state(): AgentState {
    return { step: this.#step, situation: this.#situation, memory: this.#memory, notice: this.#notice };
  }

  /** Puts the store in order. @throws {WaysideError} STORE_FORMAT, FILE_WRITE_FAILED */
  async start(): Promise<void> {
    const { store, files, log } = this.#tools;
    const { jobs } = await store.open();
    this.#highest = jobs.highest;
    const dir = store.layout.package('factory');
    try {
      const manifest = await verifyPackage(files, dir);
      this.#factory = { manifest, digest: digestOf(await readManifestText(files, dir)) };
    } catch (cause) {
      log.warn({ reason: messageOf(cause) }, 'there is no package that came with the software');
    }
  }

  /** Works until it is stopped; whatever it is at then is gone on with at the next start. */
  async run(signal: AbortSignal): Promise<void> {
    const stopped = (): void => this.#interrupt();
    signal.addEventListener('abort', stopped, { once: true });
    while (!signal.aborted) {
      const step = await this.advance();
      if ('wait' in step && !this.#awake && !signal.aborted) await this.#sleep(step.until);
    }
    signal.removeEventListener('abort', stopped);
  }

  /** Decides one step and takes it. What fails is noted, and waits for another attempt. */
  async advance(): Promise<Step> {
    this.#awake = false;
    this.#work = new AbortController();
    for (let task = this.#inbox.shift(); task !== undefined; task = this.#inbox.shift()) await task();
    const gathered = await this.#gather();
    const step = plan(gathered.situation);
    this.#step = step;
    this.#situation = gathered.situation;
    this.#onChange();
    if (!('do' in step)) {
      this.#repeats.times = 0;
      return step;
    }
    try {
      this.#requireChange(step);
      await this.#take(step, gathered);
      this.#failures = 0;
      this.#paused = undefined;
    } catch (thrown) {
      await this.#failed(thrown, gathered.situation.wanted);
    }
    this.#memory.progress = undefined;
    return step;
  }

  /** Goes on under other settings; the step at hand is taken anew under them. */
  configure(settings: Settings): void {
    this.#interrupt();
    this.#queue(async () => {
      this.#settings = settings;
      this.#paused = undefined;
      this.#failures = 0;
      this.#repeats.times = 0;
    });
  }

  /** What the office wants; a number that was seen before is refused. */
  hearJob(message: ModelDesiredMessage): void {
    if (message.job > this.#highest) this.#interrupt();
    this.#queue(async () => {
      const { job, rollout, model, action, notBefore, limits } = message;
      await this.#note(() =>
        this.#tools.store.jobs.accept({
          job,
          rollout,
          version: model.version,
          action,
          source: 'office',
          outcome: 'open',
          ...(model.name === this.#settings.model ? {} : { name: model.name }),
          ...(notBefore === undefined ? {} : { notBefore: Date.parse(notBefore) }),
          ...(limits === undefined ? {} : { limits }),
        }),
      );
    });
  }

  /** Asks the repository, of the network or on a stick, for something newer than what runs and what was wanted last. */
  discover(source: Exclude<Source, 'office'>): void {
    this.#queue(() =>
      this.#note(async () => {
        const { situation } = await this.#gather();
        if (situation.wanted !== undefined) return;
        const { model } = this.#settings;
        const newest = await newestVersion(this.#tools.repository(source), model, this.#work.signal);
        this.#notice = undefined;
        const { wanted } = situation.store.jobs;
        const known = [situation.installed[0]?.version, wanted?.name === undefined ? wanted?.version : undefined];
        if (newest === undefined || known.some((version) => version && compareVersions(newest, version) <= 0)) return;
        await this.#tools.store.jobs.want({ rollout: source, version: newest, source });
        this.#begin();
      }),
    );
  }

  hearDaemon(message: FromDaemon): void {
    const { daemon, session } = this.#memory;
    switch (message.type) {
      case 'hello':
        this.#memory.daemon = {
          packageFormats: message.packageFormats,
          running: message.model ?? undefined,
          unusable: message.unusable ?? [],
          served: undefined,
        };
        break;
      case 'served':
        if (daemon !== undefined) this.#memory.daemon = { ...daemon, running: message.model, served: message.frames };
        break;
      default:
        if (session?.id === message.trial) session.hear(message);
        else this.#tools.tell({ v: PROTOCOL_VERSION, type: 'end', trial: message.trial, reason: 'not known' });
    }
    this.#wake();
  }

  daemonGone(): void {
    this.#memory.daemon = undefined;
    this.#memory.session?.lost();
    this.#wake();
  }

  async #take(step: Extract<Step, { do: string }>, { situation, limits, longestTrialHours }: Gathered): Promise<void> {
    const { wanted } = situation;
    const work: Work = {
      tools: this.#tools,
      settings: this.#settings,
      memory: this.#memory,
      wanted: wanted ?? { job: 0, rollout: '', version: '', outcome: 'open' },
      installed: situation.installed,
      limits,
      longestTrialHours,
      signal: this.#work.signal,
      onProgress: (share) => {
        this.#memory.progress = share;
        this.#onChange();
      },
    };
    await take(step, work);
    if (step.do === 'close') this.#begin();
  }

  /** Nothing is known of the next job yet. */
  #begin(): void {
    Object.assign(this.#memory, emptyMemory());
    this.#paused = undefined;
    this.#failures = 0;
  }

  #gather(): Promise<Gathered> {
    return gather(this.#tools, this.#settings, this.#memory, { factory: this.#factory, paused: this.#paused });
  }

  #requireChange(step: Step): void {
    const text = JSON.stringify(step);
    this.#repeats = { step: text, times: text === this.#repeats.step ? this.#repeats.times + 1 : 1 };
    if (this.#repeats.times <= MOST_REPEATS) return;
    this.#repeats.times = 0;
    throw new WaysideError('INTERNAL', {
      message: `the step ${text} was taken ${MOST_REPEATS} times and changed nothing`,
    });
  }

  async #failed(thrown: unknown, wanted: WantedRecord | undefined): Promise<void> {
    if (this.#work.signal.aborted) return; // another job came, or the end
    this.#repeats.times = 0;
    const error = asWaysideError(thrown);
    const reason = { code: error.code, message: error.message };
    this.#tools.log.warn({ ...reason, hint: error.hint, step: this.#step }, 'a step of an update failed');
    const after = afterFailure(error, wanted?.source ?? 'office', ++this.#failures, Math.random());
    if ('final' in after && wanted !== undefined) {
      await this.#note(() => this.#tools.store.jobs.close('failed', reasonText(reason)));
      this.#begin();
      return;
    }
    const waitMs = 'waitMs' in after ? after.waitMs : LONGEST_SLEEP_MS;
    this.#paused = { reason, until: this.#tools.now() + waitMs };
  }

  /** What fails here is said, and asked for again by whoever asked: jobs are repeated, folders looked into again. */
  async #note(act: () => Promise<void>): Promise<void> {
    const before = this.#highest;
    try {
      await act();
      this.#highest = (await this.#tools.store.snapshot()).jobs.highest;
      if (this.#highest > before) {
        this.#begin();
        this.#notice = undefined;
      }
    } catch (thrown) {
      if (this.#work.signal.aborted) return;
      const { code, message } = asWaysideError(thrown);
      if (code === 'JOB_REPLAYED') {
        this.#tools.log.info({ code, reason: message }, 'a job was refused');
        return;
      }
      this.#tools.log.warn({ code, reason: message }, 'what was asked for could not be noted');
      this.#notice = { code, message };
    }
  }

  #queue(task: () => Promise<void>): void {
    this.#inbox.push(task);
    this.#wake();
  }

  #interrupt(): void {
    this.#work.abort(new DOMException('another job came, or the end', 'AbortError'));
    this.#wake();
  }

  async #sleep(until: number | undefined): Promise<void> {
    const ms = Math.min(LONGEST_SLEEP_MS, Math.max(0, (until ?? Number.POSITIVE_INFINITY) - this.#tools.now()));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endSleep = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #wake(): void {
    this.#awake = true;
    this.#endSleep();
  }
}
