export interface LatestOptions {
  /** What is counted together when dropped. */
  readonly kind: string;
  readonly expirySeconds: number;
  /** How old the message already is, ms. */
  readonly ageMs: number;
}

interface Waiting {
  readonly payload: string;
  readonly kind: string;
  readonly expirySeconds: number;
  /** ms of `performance.now()`: given up when not sent until `until`; worthless after `deadline`. */
  readonly until: number;
  readonly deadline: number;
}

/** Part of its expiry that a message may wait for room: the rest is for the way. */
const WAITING_SHARE = 1 / 4;
/** A reset takes effect within this: what is not confirmed by then is cut off before it is too old. */
export const RESET_MARGIN_MS = 500;
/** Messages of one topic that wait: more than a second of any camera. */
const MAX_WAITING = 32;

/** A topic whose messages are worthless when late, and those of them that wait for room on the link. */
export class LatestLane {
  readonly topic: string;
  readonly #drop: (kind: string) => void;
  readonly #waiting: Waiting[] = [];
  /** When a message last went with quality 1, ms of `performance.now()`. */
  askedAt = Number.NEGATIVE_INFINITY;

  /** @param drop is told the kind of each message that is given up */
  constructor(topic: string, drop: (kind: string) => void) {
    this.topic = topic;
    this.#drop = drop;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** @returns whether it waits now: not where it would be late, or too many wait */
  add(payload: string, { kind, expirySeconds, ageMs }: LatestOptions, now: number): boolean {
    const expiryMs = expirySeconds * 1000;
    const deadline = now + expiryMs - Math.max(0, ageMs);
    if (this.#waiting.length >= MAX_WAITING || deadline - now <= RESET_MARGIN_MS) {
      this.#drop(kind);
      return false;
    }
    const until = Math.min(now + expiryMs * WAITING_SHARE, deadline - RESET_MARGIN_MS);
    this.#waiting.push({ payload, kind, expirySeconds, until, deadline });
    return true;
  }

  /** The next that may still go. */
  next(now: number): Waiting | undefined {
    this.giveUp(now);
    return this.#waiting[0];
  }

  /** It went. */
  shift(): void {
    this.#waiting.shift();
  }

  /** Drops what has waited for too long. */
  giveUp(now: number): void {
    while (this.#waiting[0] !== undefined && this.#waiting[0].until <= now)
      this.#drop(this.#waiting.shift()?.kind ?? '');
  }

  clear(): void {
    for (const { kind } of this.#waiting.splice(0)) this.#drop(kind);
  }
}
