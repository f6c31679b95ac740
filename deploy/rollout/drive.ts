import type { Rollout } from '../../contract/messages/rollout.ts';
import { WaysideError } from '../../core/errors.ts';
import { jobBody } from './jobs.ts';
import type { Office } from './office.ts';
import { isEnded, type Order, type Plan, plan } from './planner.ts';
import { RECORD_TIMING } from './site-record.ts';

/** RabbitMQ 3.10 keeps retained messages on one node, and gives wildcard subscribers none: boxes there hear the repetition. */
const REPEAT_MS = 600_000;
/**
 * A box that reports so long after its job was sent, and does not know of it, has missed it: a node of a cluster of brokers died
 * between them, and the one it is connected to now holds nothing retained. It reports at every connection.
 */
const UNDER_WAY_MS = 2000;
/** A box that has not answered is sent its job again after so long, then after twice as long, up to the repetition. */
const AGAIN_MS = 15_000;
/** Reports of a wave come in crowds: looked at together. */
const GATHER_MS = 250;
/** For the broker to take the last word. */
const GOODBYE_MS = 1000;
/** Silence makes no event. */
const LOOK_MS = 1000;

interface DriveOptions {
  readonly signal: AbortSignal;
  readonly onPlan?: (plan: Plan) => void;
  /** Goes on after the end, so that boxes that were silent hear their job and join. */
  readonly stays?: boolean;
  readonly beatMs?: number;
  readonly repeatMs?: number;
}

interface Sent {
  readonly order: Order | 'withdrawn';
  readonly at: number;
  /** Until the next time, where no answer comes. */
  readonly againMs: number;
}

/**
 * Begins waves, sends jobs and stops, as the plan says, until the rollout ends, needs an operator, or another office takes over.
 * Everything it knows besides what was sent is in the record and in the reports: another one can go on from there.
 *
 * @returns the rollout as it was left
 */
export async function drive(office: Office, options: DriveOptions): Promise<Rollout> {
  return await new Driver(office, options).run();
}

/** Takes the orders of a rollout that was paused or aborted from the boxes that have not begun, where nobody drives it. */
export async function withdrawOrders(office: Office): Promise<void> {
  const { rollout, fleet, link, desiredTopic, groupTopic } = office;
  const { withdrawn, group } = plan(rollout, fleet.boxes, Date.now(), office.nextJob);
  const groups = group?.job === undefined ? (group?.names ?? []) : [];
  const topics = [...groups.map(groupTopic), ...withdrawn.map(desiredTopic)];
  await Promise.all(topics.map((topic) => link.publish(topic, '')));
}

class Driver {
  readonly #office: Office;
  readonly #options: DriveOptions;
  /** By topic. */
  readonly #sent = new Map<string, Sent>();
  #wake: () => void = () => undefined;
  #fault: unknown;

  constructor(office: Office, options: DriveOptions) {
    this.#office = office;
    this.#options = options;
  }

  async run(): Promise<Rollout> {
    const { signal, stays = false, beatMs = RECORD_TIMING.beatMs } = this.#options;
    const { record } = this.#office;
    const beat = setInterval(() => this.#try(record.repeat(true)), beatMs);
    try {
      for (;;) {
        this.#adopt();
        const rollout = this.#step();
        if (this.#fault !== undefined) throw this.#fault;
        if ((isEnded(rollout) || rollout.state === 'stopped') && !stays) {
          await this.#settle();
          return rollout;
        }
        signal.throwIfAborted();
        await this.#pause(signal);
      }
    } finally {
      clearInterval(beat);
      record.onChange = () => undefined;
      this.#office.onFleet = () => undefined;
      await this.#sayGoodbye();
    }
  }

  /** Best effort, on the way out: where the broker is gone too, others hear it from the silence. */
  async #sayGoodbye(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GOODBYE_MS);
    });
    await Promise.race([this.#office.record.repeat(false).catch(() => undefined), late]);
    clearTimeout(timer);
  }

  /** Another operator's change is gone on with; another driver is given way to. */
  #adopt(): void {
    const { record, rollout } = this.#office;
    const current = record.current;
    if (record.isMine || current === undefined) return;
    if (current.driving)
      throw new WaysideError('ROLLOUT_OVERTAKEN', {
        message: `${current.office.name} drives the rollout ${rollout.id} now`,
        hint: 'watch it with `wayside rollout watch`',
      });
    this.#try(record.advance({ job: this.#office.job, rollout }));
  }

  #step(): Rollout {
    const { fleet, link, record, nextJob } = this.#office;
    const before = this.#office.rollout;
    // A deaf office decides nothing: nobody is silent because it cannot hear.
    if (link.hearingSince === undefined) return before;
    const now = Date.now();
    const next = plan(before, fleet.boxes, now, nextJob, link.hearingSince);
    // Written before anything is sent: who goes on after a cut must not draw again.
    if (next.rollout !== before) this.#try(record.advance({ job: this.#office.job, rollout: next.rollout }));
    this.#send(next, now);
    this.#options.onPlan?.(next);
    return next.rollout;
  }

  #send({ rollout, orders, withdrawn, group }: Plan, now: number): void {
    const { desiredTopic, groupTopic } = this.#office;
    for (const topic of group?.names.map(groupTopic) ?? []) {
      if (group?.job === undefined) {
        this.#withdraw(topic);
        continue;
      }
      const { job, spreadSeconds } = group;
      this.#order(topic, rollout, { job, action: 'install', unknownAt: undefined, byGroup: false, spreadSeconds }, now);
    }
    for (const [box, order] of orders) this.#order(desiredTopic(box), rollout, order, now);
    for (const box of withdrawn) this.#withdraw(desiredTopic(box));
  }

  #order(topic: string, rollout: Rollout, order: Order, now: number): void {
    const { repeatMs = REPEAT_MS } = this.#options;
    const { voice, link } = this.#office;
    const before = this.#sent.get(topic);
    const same = before !== undefined && before.order !== 'withdrawn' && before.order.job === order.job;
    if (same && !this.#isDue(before, order, now)) return;
    const againMs = same ? Math.min(repeatMs, 2 * before.againMs) : Math.min(repeatMs, AGAIN_MS);
    this.#sent.set(topic, { order, at: now, againMs });
    // Its group has been told: by itself only who does not answer.
    if (order.byGroup && !same) return;
    // A box of older software refuses a job with a window as one that breaks the contract; who has not answered is told without.
    const body = jobBody(
      rollout,
      same && order.unknownAt !== undefined ? { ...order, spreadSeconds: undefined } : order,
    );
    this.#try(link.publish(topic, JSON.stringify(voice.compose(topic, 'model-desired', body, now))));
  }

  #withdraw(topic: string): void {
    if (this.#sent.get(topic)?.order === 'withdrawn') return;
    this.#sent.set(topic, { order: 'withdrawn', at: 0, againMs: 0 });
    this.#try(this.#office.link.publish(topic, ''));
  }

  /** Whether a job that was sent goes again. A box that knows it answers with its report. */
  #isDue({ at, againMs }: Sent, { unknownAt, byGroup }: Order, now: number): boolean {
    // What the box said meanwhile went to a connection that was no more, and nothing retained may be left of it.
    if ((this.#office.link.hearingSince ?? 0) > at) return true;
    if (unknownAt === undefined) return !byGroup && now - at >= (this.#options.repeatMs ?? REPEAT_MS);
    return unknownAt > at + UNDER_WAY_MS || now - at >= againMs;
  }

  readonly #underWay = new Set<Promise<void>>();

  #try(acted: Promise<void>): void {
    const watched = acted
      .catch((cause: unknown) => {
        this.#fault ??= cause;
        this.#wake();
      })
      .finally(() => this.#underWay.delete(watched));
    this.#underWay.add(watched);
  }

  async #settle(): Promise<void> {
    const { signal } = this.#options;
    const stopped = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([Promise.all(this.#underWay), stopped]);
    signal.throwIfAborted();
    if (this.#fault !== undefined) throw this.#fault;
  }

  async #pause(signal: AbortSignal): Promise<void> {
    const { record } = this.#office;
    await new Promise<void>((resolve) => {
      let soon: NodeJS.Timeout | undefined;
      const done = (): void => {
        clearTimeout(soon);
        clearTimeout(late);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const late = setTimeout(done, LOOK_MS);
      const crowd = (): void => {
        soon ??= setTimeout(done, GATHER_MS);
      };
      this.#wake = done;
      record.onChange = done;
      this.#office.onFleet = crowd;
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
