import { MESSAGE_KINDS } from '../../contract/messages/kinds.ts';
import type { Rollout } from '../../contract/messages/rollout.ts';
import { groupTopic, rootTopic, topicOf } from '../../contract/messages/topics.ts';
import type { BrokerOptions } from '../../contract/mqtt/attempt.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { HeardBox } from './boxes.ts';
import { Fleet } from './fleet.ts';
import { jobAfter, OfficeVoice, operatorName } from './jobs.ts';
import { OfficeLink } from './office-link.ts';
import { quietFor } from './quiet.ts';
import { RECORD_TIMING, type RecordTiming, SiteRecord } from './site-record.ts';

interface OfficeOptions {
  readonly broker: Pick<BrokerOptions, 'url'> & Partial<BrokerOptions>;
  readonly site: string;
  /** Who acts; @default user@host */
  readonly name?: string;
  readonly log: Log;
  readonly timing?: RecordTiming;
}

/** How an operator's command changes the rollout of a site. */
export type Change = (rollout: Rollout | null, boxes: readonly HeardBox[], nextJob: () => number) => Rollout;

/** One run of a command of the office: its connection, the boxes it hears, and the record of the site. */
export class Office {
  readonly site: string;
  readonly link: OfficeLink;
  readonly fleet = new Fleet();
  readonly record: SiteRecord;
  readonly voice = new OfficeVoice();
  onFleet: () => void = () => undefined;
  #heardAt = performance.now();

  private constructor({ broker, site, name = operatorName(), log, timing = RECORD_TIMING }: OfficeOptions) {
    this.site = site;
    this.link = new OfficeLink({ clientId: `wayside-office-${this.voice.id}`, ...broker }, log);
    this.record = new SiteRecord(this.link, site, this.voice, name, timing);
  }

  /** @throws {WaysideError} BROKER_UNAVAILABLE */
  static async open(options: OfficeOptions): Promise<Office> {
    const office = new Office(options);
    await office.link.open();
    office.record.listen();
    const reports = `${rootTopic(options.site, '+')}/${MESSAGE_KINDS['model-report'].topic}`;
    office.link.hear(reports, ({ topic, payload }) => {
      const known = office.fleet.size;
      const moved = office.fleet.hear(topic, Buffer.from(payload));
      if (office.fleet.size > known) office.#heardAt = performance.now();
      if (moved) office.onFleet();
    });
    return office;
  }

  /** Waits until no box came to be known for so long: a broker says what it retains at once, one that does not lets boxes repeat. */
  async gather(quietMs: number, signal: AbortSignal): Promise<void> {
    await quietFor(() => this.#heardAt, quietMs, signal);
  }

  nextJob = (): number => {
    this.#job = jobAfter(Math.max(this.#job, this.fleet.highestJob, this.record.current?.job ?? 0), Date.now());
    return this.#job;
  };
  #job = 0;

  /** Highest number that is known to have been given. */
  get job(): number {
    return Math.max(this.#job, this.record.current?.job ?? 0);
  }

  groupTopic = (group: string): string => groupTopic(this.site, group);
  desiredTopic = (box: string): string => topicOf(rootTopic(this.site, box), 'model-desired');

  /**
   * Makes an operator's change. Where another office drives, it is left to it.
   *
   * @returns the name of that office; undefined: this one has to drive
   * @throws {WaysideError} ROLLOUT_OVERTAKEN and what `change` throws
   */
  async change(change: Change, { drives }: { readonly drives: boolean }): Promise<string | undefined> {
    const before = await this.record.read();
    const driver = await this.record.driver();
    const rollout = change(before?.rollout ?? null, [...this.fleet.boxes], this.nextJob);
    await this.record.change({ job: this.job, rollout }, drives && driver === undefined);
    return driver;
  }

  /** @throws {WaysideError} ROLLOUT_NONE */
  get rollout(): Rollout {
    const rollout = this.record.current?.rollout;
    if (rollout === null || rollout === undefined)
      throw new WaysideError('ROLLOUT_NONE', {
        message: `site ${this.site} has no rollout`,
        hint: 'begin one with `wayside rollout start`; a broker may have lost it with its disk',
      });
    return rollout;
  }

  async close(): Promise<void> {
    await this.link.close();
  }
}
