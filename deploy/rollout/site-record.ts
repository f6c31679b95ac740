import type { IPublishPacket } from 'mqtt';
import { readMessage } from '../../contract/messages/heard.ts';
import type { RolloutMessage } from '../../contract/messages/rollout.ts';
import { officeRoot, topicOf } from '../../contract/messages/topics.ts';
import { WaysideError } from '../../core/errors.ts';
import type { OfficeVoice } from './jobs.ts';
import type { OfficeLink } from './office-link.ts';
import { precedes } from './precedence.ts';

export interface RecordTiming {
  /** For what is retained to come, before there is taken to be nothing. */
  readonly listenMs: number;
  /** From a change being confirmed until it is taken for settled: longer than the way over the broker. */
  readonly settleMs: number;
  /** How often a driver repeats the record; one of which nothing is heard for three of these is gone. */
  readonly beatMs: number;
}
export const RECORD_TIMING: RecordTiming = { listenMs: 3000, settleMs: 1500, beatMs: 5000 };
const BEATS = 3;

type RecordContent = Pick<RolloutMessage, 'job' | 'rollout'>;

const keyOf = ({ revision, office }: RolloutMessage): string => `${revision}:${office.id}`;

/**
 * The one record of a site: which rollout there is, and who drives it. A retained topic rather than a file or a database, so
 * that it survives the machine of the office, needs nothing beside the broker, and every operator sees the same one.
 *
 * Whether a driver lives is told by hearing it, not by comparing clocks of two machines.
 */
export class SiteRecord {
  readonly #link: OfficeLink;
  readonly #voice: OfficeVoice;
  readonly #name: string;
  readonly #timing: RecordTiming;
  readonly #topic: string;
  readonly #waiting = new Set<() => void>();
  /** When an office was last heard to speak itself, ms of `performance.now()`: not the broker for it. */
  readonly #spokeAt = new Map<string, number>();
  /** What has been heard of other offices since the last change of ours. */
  #others: RolloutMessage[] = [];
  #echoed = -1;
  #current: RolloutMessage | undefined;
  #mine: RolloutMessage | undefined;
  onChange: () => void = () => undefined;
  /** What was heard and broke the contract: a newer office, or somebody else. */
  unreadable: string | undefined;

  constructor(link: OfficeLink, site: string, voice: OfficeVoice, name: string, timing = RECORD_TIMING) {
    this.#link = link;
    this.#voice = voice;
    this.#name = name;
    this.#timing = timing;
    this.#topic = topicOf(officeRoot(site), 'rollout');
  }

  get current(): RolloutMessage | undefined {
    return this.#current;
  }

  get isMine(): boolean {
    return this.#current !== undefined && this.#current.office.id === this.#voice.id;
  }

  listen(): void {
    this.#link.hear(this.#topic, (packet) => this.#hear(packet));
  }

  /** Waits for what the broker remembers. */
  async read(): Promise<RolloutMessage | undefined> {
    await this.#until(() => this.#current !== undefined, this.#timing.listenMs);
    if (this.#current === undefined && this.unreadable !== undefined) {
      throw new WaysideError('ROLLOUT_NONE', {
        message: `${this.#topic} holds what this version cannot read: ${this.unreadable}`,
        hint: 'use the version of Wayside that wrote it',
      });
    }
    return this.#current;
  }

  /** The name of another office that drives the rollout now; waits for a sign of life where the record names one. */
  async driver(): Promise<string | undefined> {
    const record = this.#current;
    if (record === undefined || !record.driving || this.isMine) return undefined;
    const { id, name } = record.office;
    const since = performance.now() - this.#timing.beatMs;
    const spoke = (): boolean => (this.#spokeAt.get(id) ?? Number.NEGATIVE_INFINITY) >= since;
    const gone = (): boolean => this.#current?.office.id !== id || !this.#current.driving;
    await this.#until(() => spoke() || gone(), BEATS * this.#timing.beatMs);
    return spoke() && !gone() ? name : undefined;
  }

  /**
   * An operator's change; nothing may be done in its name before this resolves.
   *
   * @throws {WaysideError} ROLLOUT_OVERTAKEN, ROLLOUT_NOT_WRITTEN, BROKER_REFUSED
   */
  async change(content: RecordContent, driving: boolean): Promise<void> {
    this.#others = [];
    const mine = this.#compose(content, 'operator', driving);
    await this.#publish(mine);
    await this.#until(() => false, this.#timing.settleMs);
    if (this.#link.level < 5 && this.#echoed < mine.seq) {
      throw new WaysideError('ROLLOUT_NOT_WRITTEN', {
        message: `the broker did not give back what was written to ${this.#topic}`,
        hint: 'let the office read and write it: see docs/guide/rollout.md',
      });
    }
    const winner = this.#overtaking(mine);
    if (winner === undefined) return;
    throw new WaysideError('ROLLOUT_OVERTAKEN', {
      message: `${winner.office.name} was at it at the same time and precedes: rollout ${winner.rollout?.id ?? 'none'} is ${winner.rollout?.state ?? 'none'}; nothing was done`,
      hint: 'look with `wayside rollout status`, and repeat the command if it is still wanted',
    });
  }

  /** What a driver does by the plan: not waited for, since an operator's change precedes and is adopted. */
  advance(content: RecordContent): Promise<void> {
    return this.#publish(this.#compose(content, 'driver', true));
  }

  /** Says that this office still drives, or that it does no longer. */
  async repeat(driving: boolean): Promise<void> {
    const mine = this.#mine;
    if (mine === undefined || !this.isMine) return;
    const { revision, follows, office, changedBy, job, rollout } = mine;
    await this.#publish(this.#message({ revision, follows, office, changedBy, driving, job, rollout }));
  }

  #compose({ job, rollout }: RecordContent, changedBy: RolloutMessage['changedBy'], driving: boolean): RolloutMessage {
    const before = this.#current;
    return this.#message({
      revision: (before?.revision ?? 0) + 1,
      follows: before === undefined ? null : keyOf(before),
      office: { id: this.#voice.id, name: this.#name },
      changedBy,
      driving,
      job,
      rollout,
    });
  }

  #message = (body: object): RolloutMessage => this.#voice.compose(this.#topic, 'rollout', body, Date.now());

  async #publish(record: RolloutMessage): Promise<void> {
    this.#mine = record;
    this.#current = record;
    await this.#link.publish(this.#topic, JSON.stringify(record));
  }

  #hear({ payload, retain }: IPublishPacket): void {
    let record: RolloutMessage | undefined;
    try {
      record = readMessage('rollout', Buffer.from(payload));
    } catch (cause) {
      this.unreadable = cause instanceof Error ? cause.message : String(cause);
    }
    if (record === undefined) return;
    if (record.office.id === this.#voice.id) this.#echoed = Math.max(this.#echoed, record.seq);
    else {
      if (!retain) this.#spokeAt.set(record.office.id, performance.now());
      this.#others.push(record);
    }
    if (this.#current === undefined || precedes(record, this.#current)) {
      this.#current = record;
      this.onChange();
    } else if (this.isMine && record.office.id !== this.#voice.id && this.#mine !== undefined) {
      // The broker keeps what came last: what precedes is put back.
      this.#link.publish(this.#topic, JSON.stringify(this.#mine)).catch(() => undefined);
    }
    for (const wake of this.#waiting) wake();
  }

  /** A record that precedes ours and does not stand on it. */
  #overtaking(mine: RolloutMessage): RolloutMessage | undefined {
    const ours = new Set([keyOf(mine)]);
    for (const other of this.#others) {
      if (!precedes(other, mine)) continue;
      if (other.follows === null || !ours.has(other.follows)) return other;
      ours.add(keyOf(other));
    }
    return undefined;
  }

  async #until(condition: () => boolean, ms: number): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        resolve();
      }, ms);
      this.#waiting.add(look);
    });
  }
}
