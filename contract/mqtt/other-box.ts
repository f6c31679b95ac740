/** Someone else who reports under this box's name. */
export interface OtherBox {
  readonly session: string;
  /** Whether it runs on this machine; null where that is not known. */
  readonly sameMachine: boolean | null;
}

/** Without another sign for so long, the other one is gone: boxes repeat their state every 10 minutes. */
const GONE_MS = 15 * 60_000;
/** A box whose connection was lost comes back within its longest wait of 30 s and the time to connect, or has gone without a word. */
const BACK_MS = 90_000;

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** Whether a state is the last of its run, said by itself. */
function isGoodbye({ reasons }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(reasons) && reasons.some((each) => (each as { code?: unknown } | null)?.code === 'stopped');
}

/**
 * Tells a second box with the same name from the run before this one, by what is written on the topic of the state.
 *
 * The run before leaves its last state, or its last will, with the broker: one message, and older ones where the broker lost its
 * memory. A box that lives says something newer. Two that share a client id never hear each other, since each throws the
 * other out: but each finds a newer state, or last will, of the other at every connection.
 */
export class OtherBoxes {
  readonly #bootId: string | null;
  /** The first message of each run that was seen, by its time of publication. */
  readonly #first = new Map<string, string>();
  #found: OtherBox | undefined;
  #until = 0;

  constructor(bootId: string | null) {
    this.#bootId = bootId;
  }

  /** @param now ms of a clock that makes no steps */
  heard(message: Readonly<Record<string, unknown>>, live: boolean, now: number): void {
    const session = textOf(message['session']);
    const publishedAt = textOf(message['publishedAt']);
    if (session === undefined || publishedAt === undefined) return;
    const first = this.#first.get(session);
    if (first === undefined) {
      // More runs than this within one of ours are no accident: a script that writes to the topic.
      if (this.#first.size < 100) this.#first.set(session, publishedAt);
    }
    if (isGoodbye(message)) {
      if (this.#found?.session === session) this.#found = undefined;
      return;
    }
    const lost = live && message['state'] === 'offline';
    if (lost && this.#found?.session === session) this.#until = Math.min(this.#until, now + BACK_MS);
    const speaks = live && !lost;
    if (!speaks && (first === undefined || publishedAt <= first)) return;
    const boot = textOf(message['bootId']);
    const known = boot !== undefined && this.#bootId !== null;
    this.#found = { session, sameMachine: known ? boot === this.#bootId : null };
    this.#until = now + (lost ? BACK_MS : GONE_MS);
  }

  /** Who else reports under this name, as far as was heard lately. */
  found(now: number): OtherBox | undefined {
    return this.#found !== undefined && now < this.#until ? this.#found : undefined;
  }
}
