import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt';
import { kindOf } from '../../contract/messages/heard.ts';
import { type KindName, MESSAGE_KINDS, type MessageOf } from '../../contract/messages/kinds.ts';

/** Ends what hangs: a camera alone may take a minute to be called well again where its decoder was slow to start. */
const HANGS_MS = 120_000;

export interface Heard<K extends KindName = KindName> {
  readonly kind: K;
  readonly topic: string;
  readonly retained: boolean;
  /** ms of `performance.now()`. */
  readonly at: number;
  readonly message: MessageOf<K>;
}

/** A control centre in small: hears everything, and checks every message against the published schema. */
export class Listener {
  readonly heard: Heard[] = [];
  readonly #client: MqttClient;
  readonly #waiting = new Set<() => void>();
  #fault: Error | undefined;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on('message', (topic, payload, packet) => {
      if (topic.endsWith('/camera/_probe')) return; // of `wayside init` and `doctor`: docs/reference/mqtt.md
      const kind = kindOf(topic)?.kind;
      if (payload.length > 0) {
        const parsed =
          kind === undefined ? undefined : MESSAGE_KINDS[kind].schema.safeParse(JSON.parse(payload.toString()));
        if (kind === undefined || parsed?.success !== true) {
          this.#fault ??= new Error(`${topic} breaks the contract: ${parsed?.error?.message ?? 'unknown topic'}`);
        } else {
          const message = parsed.data as MessageOf<KindName>;
          this.heard.push({ kind, topic, retained: packet.retain, at: performance.now(), message });
        }
      }
      for (const wake of this.#waiting) wake();
    });
  }

  static async start(url: string, options: IClientOptions = {}): Promise<Listener> {
    const client = await connectAsync(url, { reconnectPeriod: 100, ...options });
    const listener = new Listener(client);
    await client.subscribeAsync('#', { qos: 1 });
    return listener;
  }

  /** The first message of a kind, after a moment, that fits; fails when none comes, or when any message broke the contract. */
  async next<K extends KindName>(
    kind: K,
    fits: (message: MessageOf<K>) => boolean = () => true,
    { after = 0, within = HANGS_MS } = {},
  ): Promise<Heard<K>> {
    const find = (): Heard<K> | undefined =>
      this.heard.find(
        (each): each is Heard<K> => each.kind === kind && each.at >= after && fits(each.message as MessageOf<K>),
      );
    const found = await new Promise<Heard<K> | undefined>((resolve) => {
      const look = (): void => {
        const match = find();
        if (match === undefined && this.#fault === undefined) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(match);
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        resolve(undefined);
      }, within);
      this.#waiting.add(look);
      look();
    });
    if (this.#fault !== undefined) throw this.#fault;
    if (found === undefined)
      throw new Error(`no ${kind} message as wanted within ${within} ms; last: ${this.#last(kind)}`);
    return found;
  }

  async stop(): Promise<void> {
    await this.#client.endAsync(true);
    if (this.#fault !== undefined) throw this.#fault;
  }

  #last(kind: KindName): string {
    return JSON.stringify(this.heard.filter((each) => each.kind === kind).at(-1)?.message ?? null);
  }
}
