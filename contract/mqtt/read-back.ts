import type { IPublishPacket } from 'mqtt';
import type { Connection } from './connection.ts';

/** The box's own topics, and how it knows its own messages on them. */
export interface OwnTopics {
  /** Everything of the box is below it. */
  readonly root: string;
  /** Listened to for as long as the connection lives: only this box should write there. */
  readonly state: string;
  /** Value of the field `session` in every message of this run. */
  readonly session: string;
  /** A message on the state's topic that another run wrote. `live`: now, not from the broker's memory. */
  readonly onForeign: (message: Readonly<Record<string, unknown>>, live: boolean) => void;
  /** @default LISTEN_MS */
  readonly listenMs?: number;
}

interface ReadBackListeners {
  readonly onAnswer: (topic: string, refusal: string | undefined) => void;
  /** Whether anything can be read: asked once, because some brokers end the connection over it. */
  readonly onReadable: (readable: boolean) => void;
}

/** How long the box listens to all its topics under MQTT 3.1.1; what was sent in the last third of it is not missed. */
const LISTEN_MS = 15_000;

/**
 * Reads the box's own topics on one connection.
 *
 * Under MQTT 3.1.1 a broker confirms what it refuses and throws it away, without a word: what was sent and does not come back, while
 * other messages do, is refused. MQTT 5 says so itself. Where nothing comes back, nothing is known: the box may lack the right to read.
 */
export class ReadBack {
  readonly #own: OwnTopics;
  readonly #listeners: ReadBackListeners;
  readonly #sent = new Map<string, number>();
  readonly #seen = new Set<string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(own: OwnTopics, listeners: ReadBackListeners) {
    this.#own = own;
    this.#listeners = listeners;
  }

  async start(connection: Connection): Promise<void> {
    const { root, state, listenMs = LISTEN_MS } = this.#own;
    const everything = connection.level === 4;
    const readable = await connection.subscribe(everything ? `${root}/#` : state, (packet) => this.#receive(packet));
    this.#listeners.onReadable(readable);
    if (!everything || !readable) return;
    this.#timer = setTimeout(() => {
      this.#judge(performance.now() - listenMs / 3);
      connection.narrow(`${root}/#`, state);
    }, listenMs);
  }

  /** A message left for the broker. */
  sent(topic: string): void {
    if (!this.#sent.has(topic)) this.#sent.set(topic, performance.now());
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #receive({ topic, payload, retain }: IPublishPacket): void {
    const message = parsed(payload.toString());
    if (message === undefined) return;
    if (message['session'] === this.#own.session) {
      this.#seen.add(topic);
      this.#listeners.onAnswer(topic, undefined);
    } else if (topic === this.#own.state) this.#own.onForeign(message, !retain);
  }

  #judge(sentBefore: number): void {
    if (this.#seen.size === 0) return;
    for (const [topic, at] of this.#sent) {
      if (!this.#seen.has(topic) && at < sentBefore)
        this.#listeners.onAnswer(
          topic,
          'sent, confirmed where the protocol confirms, and not given to its subscribers',
        );
    }
  }
}

/** Anyone who may write to the topic may write anything. */
function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined; // empty: a retained topic that was removed
  }
}
