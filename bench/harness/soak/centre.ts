import { connectAsync, type MqttClient } from 'mqtt';
import { kindOf, readMessage } from '../../../contract/messages/heard.ts';
import type { MessageOf } from '../../../contract/messages/kinds.ts';

/** What a message of the journal is known by. */
interface Numbered {
  readonly id: string;
  readonly journalSeq: number;
}

type Gap = Pick<MessageOf<'journal-gap'>, 'from' | 'to'>;

/** What became of the numbers of a journal, of which the first `last` were given. */
interface Delivery {
  /** Arrived, each once. */
  readonly messages: number;
  readonly duplicates: number;
  /** Neither arrived nor named by a gap. */
  readonly missing: readonly number[];
  /** Named by a gap, and not arrived. */
  readonly givenUp: number;
  /** Arrived as two messages. */
  readonly givenTwice: number;
}

/** What arrived of a journal, in any order and any number of times. */
export class JournalHeard {
  readonly #numbers = new Map<string, number>();
  readonly #gaps: Gap[] = [];
  #duplicates = 0;

  hear({ id, journalSeq }: Numbered, gap?: Gap): void {
    if (this.#numbers.has(id)) this.#duplicates++;
    else if (gap !== undefined) this.#gaps.push(gap);
    this.#numbers.set(id, journalSeq);
  }

  has(id: string): boolean {
    return this.#numbers.has(id);
  }

  upTo(last: number): Delivery {
    const numbers = [...this.#numbers.values()].filter((number) => number <= last);
    const arrived = new Set(numbers);
    const absent = Array.from({ length: last }, (_, i) => i + 1).filter((number) => !arrived.has(number));
    const missing = absent.filter((number) => !this.#gaps.some(({ from, to }) => number >= from && number <= to));
    return {
      messages: arrived.size,
      duplicates: this.#duplicates,
      missing,
      givenUp: absent.length - missing.length,
      givenTwice: numbers.length - arrived.size,
    };
  }
}

interface CentreListeners {
  readonly onDetections: (message: MessageOf<'detections'>) => void;
  readonly onStatus: (message: MessageOf<'camera-status'>) => void;
}

/** A control centre with a session that outlives its connections: what the broker took in for it meanwhile comes when it is back. */
export class Centre {
  readonly journal = new JournalHeard();
  readonly #client: MqttClient;
  /** Why a message could not be read: the contract was broken. */
  broken: unknown;

  private constructor(client: MqttClient, { onDetections, onStatus }: CentreListeners) {
    this.#client = client;
    client.on('message', (topic, payload) => {
      try {
        const kind = kindOf(topic)?.kind;
        if (kind === undefined) throw new Error(`the contract knows no topic ${topic}`);
        const message = readMessage(kind, payload);
        if (message === undefined) return;
        if (kind === 'detections') onDetections(message as MessageOf<'detections'>);
        if (kind === 'camera-status') onStatus(message as MessageOf<'camera-status'>);
        if ('journalSeq' in message && kind !== 'journal-checkpoint')
          this.journal.hear(message, kind === 'journal-gap' ? (message as MessageOf<'journal-gap'>) : undefined);
      } catch (cause) {
        this.broken ??= cause;
      }
    });
  }

  static async start(url: string, root: string, listeners: CentreListeners): Promise<Centre> {
    const client = await connectAsync(url, { clean: false, clientId: 'centre', reconnectPeriod: 100 });
    client.on('error', () => undefined); // the broker is one of the things that fail here; it reconnects
    const centre = new Centre(client, listeners);
    await client.subscribeAsync(`${root}/#`, { qos: 1 });
    return centre;
  }

  async stop(): Promise<void> {
    await this.#client.endAsync(true);
  }
}
