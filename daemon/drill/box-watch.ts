import { readMessage } from '../../contract/messages/heard.ts';
import { MESSAGE_KINDS } from '../../contract/messages/kinds.ts';
import type { StateMessage, StateReason } from '../../contract/messages/state.ts';
import { rootTopic, topicOf } from '../../contract/messages/topics.ts';
import type { BrokerOptions } from '../../contract/mqtt/attempt.ts';
import { Subscriber } from '../../contract/mqtt/subscriber.ts';
import { WaysideError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

/** What was heard of the box, in ms of `performance.now()`. */
interface Heard {
  readonly at: number;
  readonly state: StateMessage['state'];
  /** Why it is not online. */
  readonly reasons: string;
  /** Nothing is wrong with it but what it was configured to be. */
  readonly well: boolean;
}

/**
 * What a box says of itself for as long as it is configured so: nothing breaks it, and no recovery takes it away. A box with the model that
 * comes with the software is never `online`.
 */
const CONFIGURED: ReadonlySet<StateReason['code']> = new Set([
  'model-demonstration',
  'counts-unkept',
  'counts-impossible',
]);

/** Hears of a box what the control centre hears: how it is, and that it detects. */
export class BoxWatch {
  readonly #subscriber: Subscriber;
  readonly #states: Heard[] = [];
  readonly #detections = new Map<string, number>();
  readonly #waiting = new Set<() => void>();

  constructor(broker: BrokerOptions, site: string, box: string, log: Log) {
    this.#subscriber = new Subscriber(broker, log);
    const root = rootTopic(site, box);
    this.#subscriber.subscribe(topicOf(root, 'state'), ({ payload, retain }) => {
      const message = readMessage('state', Buffer.from(payload));
      if (message === undefined) return;
      const reasons = message.reasons.map(({ code }) => code).join(', ');
      const well = message.state !== 'offline' && message.reasons.every(({ code }) => CONFIGURED.has(code));
      // What the broker remembered was so before this moment.
      this.#states.push({ at: retain ? 0 : performance.now(), state: message.state, reasons, well });
      this.#wake();
    });
    this.#subscriber.subscribe(`${root}/${MESSAGE_KINDS.detections.topic.replace('{camera}', '+')}`, ({ topic }) => {
      this.#detections.set(topic.split('/').at(-2) ?? '', performance.now());
      this.#wake();
    });
  }

  /** @throws {WaysideError} BROKER_UNAVAILABLE */
  async open(): Promise<void> {
    try {
      await this.#subscriber.open();
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new WaysideError('BROKER_UNAVAILABLE', { message, cause });
    }
  }

  close(): Promise<void> {
    return this.#subscriber.close();
  }

  /** The last word about the state. */
  get last(): string {
    const { state, reasons } = this.#states.at(-1) ?? { state: 'nothing heard', reasons: '' };
    return reasons === '' ? state : `${state}: ${reasons}`;
  }

  /** When it said after a moment that it is not well; undefined where it did not in time. */
  async notWell(after: number, withinMs: number, signal: AbortSignal): Promise<number | undefined> {
    return await this.#first(() => this.#states.find(({ at, well }) => at > after && !well)?.at, withinMs, signal);
  }

  /** When it was well again, after a moment, and every one of these cameras detected. */
  async well(
    cameras: readonly string[],
    after: number,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    return await this.#first(
      () => {
        const last = this.#states.at(-1);
        if (last?.well !== true) return undefined;
        const times = cameras.map((camera) => this.#detections.get(camera) ?? 0);
        return times.every((at) => at > Math.max(after, last.at)) ? Math.max(...times) : undefined;
      },
      withinMs,
      signal,
    );
  }

  /** Whether it has said since a moment that it is not well. */
  wasNotWell(since: number): boolean {
    return this.#states.some(({ at, well }) => at > since && !well);
  }

  async #first(find: () => number | undefined, withinMs: number, signal: AbortSignal): Promise<number | undefined> {
    const found = find();
    if (found !== undefined) return found;
    const over = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(withinMs))]);
    let look = (): void => undefined;
    const later = await new Promise<number | undefined>((resolve) => {
      look = () => {
        const at = find();
        if (at !== undefined) resolve(at);
      };
      this.#waiting.add(look);
      over.addEventListener('abort', () => resolve(undefined), { once: true });
    });
    this.#waiting.delete(look);
    signal.throwIfAborted();
    return later;
  }

  #wake(): void {
    for (const look of this.#waiting) look();
  }
}
