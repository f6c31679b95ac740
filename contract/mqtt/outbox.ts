import { ON_WIRE } from '../messages/delivery.ts';
import type { Backlog } from './backlog.ts';
import type { Connection } from './connection.ts';
import { LatestLane, type LatestOptions, RESET_MARGIN_MS } from './latest-lane.ts';
import { LinkWindow } from './link-window.ts';

/** A topic that holds the present: made anew whenever it is sent, one copy of it under way at most. */
interface Retained {
  readonly topic: string;
  make: () => string;
  /** To be sent: never, or not since it changed. */
  due: boolean;
  underWay: boolean;
}

/** What is kept until it is confirmed: one message of it a turn, so that live ones go beside a long backlog. */
interface Kept {
  readonly backlog: Backlog;
}

interface OutboxListeners {
  /** The broker refused, or took, a message of a topic: known under MQTT 5 only. */
  readonly onAnswer: (topic: string, refusal: string | undefined) => void;
  readonly onSent: (topic: string) => void;
  /** What was under way would arrive too late. */
  readonly onBehind: () => void;
  readonly onUnconfirmed: (topic: string, reason: string) => void;
}

/** Topic, MQTT, TLS, TCP and IP around a payload: 20 + 32 + 29 + 30 bytes and the topic, about. */
const OVERHEAD_BYTES = 110;
const TICK_MS = 200;
/** Between two requests for a confirmation where the window asks for none and answers come promptly: each costs as much as a third of a message. */
const ASK_PROMPT_MS = 400;
/** How often a `latest` topic is sent with quality 1 on one connection, to hear whether the broker takes it. */
const ASK_EVERY_MS = 600_000;

type Lane = Retained | LatestLane | Kept;

/**
 * What is to be said, topic by topic, and when it may go. Topics take turns, one message each, for as long as the link's
 * window is open: on a thin link the state does not wait behind detections, nor telemetry behind the state.
 *
 * `latest` messages wait for a quarter of their expiry at most; then they are dropped and counted. Retained topics do not
 * queue: the present replaces what was not sent yet. When something under way would be delivered too late, the connection has
 * to be reset: TCP would deliver it whenever it can.
 */
export class Outbox {
  readonly #retained = new Map<string, Retained>();
  readonly #latest = new Map<string, LatestLane>();
  readonly #dropped = new Map<string, number>();
  readonly #window = new LinkWindow();
  readonly #listeners: OutboxListeners;
  #turns: Lane[] = [];
  #kept: Kept | undefined;
  #whenDrained: (() => void) | undefined;
  #connection: Connection | undefined;
  #tick: NodeJS.Timeout | undefined;
  /** When a confirmation was last asked for. */
  #askedAt = Number.NEGATIVE_INFINITY;

  constructor(listeners: OutboxListeners) {
    this.#listeners = listeners;
  }

  /** Messages not sent, or sent and cut off before their arrival was confirmed, by kind. */
  get dropped(): ReadonlyMap<string, number> {
    return this.#dropped;
  }

  connected(connection: Connection): void {
    this.#connection = connection;
    connection.listen({
      onPingRequest: () => {
        this.#askedAt = performance.now();
        this.#window.marked(this.#askedAt);
      },
      onPingResponse: () => {
        this.#window.confirmed(performance.now());
        this.#pump();
      },
    });
    this.#turns = [...this.#retained.values()];
    for (const lane of this.#retained.values()) Object.assign(lane, { due: true, underWay: false });
    for (const lane of this.#latest.values()) lane.askedAt = Number.NEGATIVE_INFINITY;
    this.#pump();
    this.#connectBacklog(connection);
  }

  /** Sends what a backlog holds, now and at every later connection, until each is confirmed. */
  carry(backlog: Backlog): void {
    this.#kept = { backlog };
    if (this.#connection !== undefined) this.#connectBacklog(this.#connection);
  }

  disconnected(): void {
    this.#connection = undefined;
    clearTimeout(this.#tick);
    this.#tick = undefined;
    this.#window.reset();
    this.#turns = [];
    this.#kept?.backlog.disconnected();
    this.#dropWaiting();
    this.#whenDrained?.();
  }

  /** Waits until every retained topic is confirmed, or for `graceMs`; what else waits is dropped. @returns whether all are */
  async drained(graceMs: number): Promise<boolean> {
    this.#dropWaiting();
    if (this.#connection !== undefined && !this.#isDrained())
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, graceMs);
        this.#whenDrained = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    return this.#connection !== undefined && this.#isDrained();
  }

  /** Sets what a retained topic holds, now and at every later connection. */
  retain(topic: string, make: () => string): void {
    const lane = this.#retained.get(topic) ?? { topic, make, due: false, underWay: false };
    lane.make = make;
    this.#retained.set(topic, lane);
    this.#repeat(lane);
    this.#pump();
  }

  /** Sends a retained topic once more. */
  repeat(topic: string): void {
    const lane = this.#retained.get(topic);
    if (lane === undefined) return;
    this.#repeat(lane);
    this.#pump();
  }

  /** Sends now, or within a part of the expiry, or drops. @returns whether it was not dropped at once */
  send(topic: string, payload: string, options: LatestOptions): boolean {
    if (this.#connection === undefined) {
      this.#drop(options.kind);
      return false;
    }
    let lane = this.#latest.get(topic);
    if (lane === undefined) {
      lane = new LatestLane(topic, (kind) => this.#drop(kind));
      this.#latest.set(topic, lane);
    }
    if (!lane.add(payload, options, performance.now())) return false;
    if (lane.size === 1) this.#turns.push(lane);
    this.#pump();
    return true;
  }

  #repeat(lane: Retained): void {
    if (!lane.due && !lane.underWay && this.#connection !== undefined) this.#turns.push(lane);
    lane.due = true;
  }

  #isDrained = (): boolean => [...this.#retained.values()].every(({ due, underWay }) => !due && !underWay);

  #dropWaiting(): void {
    for (const lane of this.#latest.values()) lane.clear();
  }

  #drop(kind: string): void {
    this.#dropped.set(kind, (this.#dropped.get(kind) ?? 0) + 1);
  }

  /** Lets topics take turns while there is room. */
  #pump(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    for (let lane = this.#turns[0]; lane !== undefined; lane = this.#turns[0]) {
      if (!this.#sendFrom(lane, connection)) break;
      this.#turns.shift();
      if (lane instanceof LatestLane ? lane.size > 0 : 'backlog' in lane && lane.backlog.next() !== undefined)
        this.#turns.push(lane);
    }
    if (this.#window.wantsMark === 'soon') connection.ping();
    if (this.#window.bytes > 0 || this.#turns.length > 0) this.#tick ??= setTimeout(() => this.#look(), TICK_MS);
  }

  /** Looks after what is under way. */
  #look(): void {
    this.#tick = undefined;
    const connection = this.#connection;
    if (connection === undefined) return;
    const now = performance.now();
    if (now >= this.#window.deadline - RESET_MARGIN_MS) {
      this.#listeners.onBehind();
      connection.reset();
      return;
    }
    if (this.#wantsConfirmation(now)) connection.ping();
    for (const lane of this.#turns) if (lane instanceof LatestLane) lane.giveUp(now);
    this.#pump();
  }

  #wantsConfirmation(now: number): boolean {
    const { wantsMark, prompt } = this.#window;
    return wantsMark === 'soon' || (wantsMark === 'yes' && (!prompt || now - this.#askedAt >= ASK_PROMPT_MS));
  }

  /** @returns false when there is no room */
  #sendFrom(lane: Lane, connection: Connection): boolean {
    if ('make' in lane) return this.#sendRetained(lane, connection);
    return lane instanceof LatestLane ? this.#sendLatest(lane, connection) : this.#sendKept(lane, connection);
  }

  #connectBacklog(connection: Connection): void {
    const kept = this.#kept;
    kept?.backlog.connected({
      level: connection.level,
      wake: () => {
        if (connection !== this.#connection || kept !== this.#kept || this.#turns.includes(kept)) return;
        this.#turns.push(kept);
        this.#pump();
      },
      answered: (topic, refusal) => this.#listeners.onAnswer(topic, refusal),
      subscribe: (topic, hear) => connection.subscribe(topic, ({ payload }) => hear(payload.toString()), { qos: 1 }),
      unsubscribe: (topic) => connection.unsubscribe(topic),
    });
  }

  /** @returns false when there is no room */
  #sendKept({ backlog }: Kept, connection: Connection): boolean {
    const message = backlog.next();
    if (message === undefined) return true;
    const { topic, payload, expirySeconds } = message;
    if (!this.#window.admits(this.#bytesOf(topic, payload))) return false;
    const answered = backlog.sent();
    this.#count(topic, payload, Number.POSITIVE_INFINITY);
    connection.publish({ topic, payload, ...ON_WIRE.journalled, expirySeconds }, (answer) => {
      if (connection === this.#connection) answered(answer);
    });
    return true;
  }

  /** @returns false when there is no room */
  #sendRetained(lane: Retained, connection: Connection): boolean {
    if (!this.#window.admits(OVERHEAD_BYTES)) return false;
    const { topic, make } = lane;
    const payload = make();
    lane.due = false;
    lane.underWay = true;
    this.#count(topic, payload, Number.POSITIVE_INFINITY);
    connection.publish({ topic, payload, ...ON_WIRE.retained }, ({ refused }) => {
      if (connection !== this.#connection) return;
      lane.underWay = false;
      // Where the box may not write there is nothing of it to remove.
      const removed = payload === '' && (refused === undefined || refused.code !== undefined);
      if (!removed) this.#answered(topic, refused);
      if (lane.due) this.#turns.push(lane);
      // Unless the topic was taken into use again meanwhile.
      else if (removed && lane.make === make) this.#retained.delete(topic);
      this.#pump();
      if (this.#whenDrained !== undefined && this.#isDrained()) this.#whenDrained();
    });
    return true;
  }

  /** @returns false when there is no room */
  #sendLatest(lane: LatestLane, connection: Connection): boolean {
    const now = performance.now();
    const message = lane.next(now);
    if (message === undefined) return true;
    const { payload, kind, expirySeconds, deadline } = message;
    const bytes = this.#bytesOf(lane.topic, payload);
    if (!this.#window.admits(bytes)) return false;
    lane.shift();
    if (now + this.#window.expectedMs(bytes) > deadline - RESET_MARGIN_MS) {
      this.#drop(kind); // it would only cost the connection
      return true;
    }
    const ask = connection.level === 5 && now - lane.askedAt > ASK_EVERY_MS;
    if (ask) lane.askedAt = now;
    this.#count(lane.topic, payload, deadline, () => this.#drop(kind));
    connection.publish(
      { topic: lane.topic, payload, ...ON_WIRE.latest, ...(ask ? { qos: 1 } : {}), expirySeconds },
      ask ? ({ refused }) => connection === this.#connection && this.#answered(lane.topic, refused) : undefined,
    );
    return true;
  }

  /** Under MQTT 3.1.1 a confirmation says nothing: what is refused is confirmed as well. */
  #answered(topic: string, refused: { code: number | undefined; reason: string } | undefined): void {
    if (refused === undefined && this.#connection?.level === 4) return;
    if (refused === undefined) this.#listeners.onAnswer(topic, undefined);
    else if (refused.code !== undefined) this.#listeners.onAnswer(topic, refused.reason);
    else this.#listeners.onUnconfirmed(topic, refused.reason);
  }

  #bytesOf = (topic: string, payload: string): number => OVERHEAD_BYTES + topic.length + Buffer.byteLength(payload);

  #count(topic: string, payload: string, deadline: number, lost?: () => void): void {
    const bytes = this.#bytesOf(topic, payload);
    this.#window.sent({ bytes, deadline, ...(lost === undefined ? {} : { lost }) });
    if (payload !== '') this.#listeners.onSent(topic); // a removal is not given to those who hear of messages
  }
}
