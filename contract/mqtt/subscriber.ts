import { backoffMs } from '../../core/backoff.ts';
import type { Log } from '../../core/log.ts';
import { attempt, type BrokerOptions, type Failure } from './attempt.ts';
import type { Connection, ProtocolLevel } from './connection.ts';
import { type Hear, Subscriptions } from './subscriptions.ts';

const BACKOFF = { firstMs: 100, longestMs: 5000 };

/**
 * Listens to one broker: a control centre, a demonstration, a benchmark, the office. Keeps the connection once it has one.
 *
 * Each connection has a client id of its own, behind the one given: a cluster of brokers may tidy up after a node that was killed, by the
 * client's name, what the client has asked for anew on another node (RabbitMQ 3.10).
 */
export class Subscriber {
  readonly #broker: BrokerOptions;
  readonly #subscriptions: Subscriptions;
  readonly #onConnected: (connection: Connection) => void;
  readonly #onLost: () => void;
  #connection: Connection | undefined;
  #level: ProtocolLevel = 5;
  #connections = 0;
  #failures = 0;
  #closed = false;
  #retry: NodeJS.Timeout | undefined;
  #giveUp: (() => void) | undefined;

  /**
   * @param onConnected is handed every connection, for who has something to say as well
   * @param onLost nothing is heard until the next one
   */
  constructor(
    broker: Pick<BrokerOptions, 'url' | 'clientId'> & Partial<BrokerOptions>,
    log: Log,
    onConnected: (connection: Connection) => void = () => undefined,
    onLost: () => void = () => undefined,
  ) {
    const nothing = { username: undefined, password: undefined, ca: undefined, cert: undefined, key: undefined };
    this.#broker = { keepaliveSeconds: 60, ...nothing, ...broker };
    this.#subscriptions = new Subscriptions(log);
    this.#onConnected = onConnected;
    this.#onLost = onLost;
  }

  /** Listens to the topics that a filter names, now and at every later connection. */
  subscribe(filter: string, hear: Hear): void {
    this.#subscriptions.add(filter, hear);
  }

  /** @throws {Error} why there is no connection; from then on it comes back by itself */
  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#connect(resolve, ({ reason }) => reject(new Error(reason)));
    });
  }

  async close(graceMs = 1000): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    const connection = this.#connection;
    if (connection === undefined) this.#giveUp?.();
    else await connection.endCleanly(graceMs);
  }

  #connect(onOpen: () => void, onFailure: (failure: Failure) => void): void {
    const { clientId } = this.#broker;
    const made = this.#connections;
    const broker = { ...this.#broker, clientId: made === 0 ? clientId : `${clientId}-${made + 1}` };
    this.#giveUp = attempt(broker, this.#level, undefined, {
      onConnected: (connection) => {
        this.#connection = connection;
        this.#connections++;
        this.#failures = 0;
        this.#subscriptions.connected(connection);
        this.#onConnected(connection);
        onOpen();
      },
      onClosed: (failure) => {
        const had = this.#connection !== undefined;
        this.#connection = undefined;
        this.#subscriptions.disconnected();
        if (had) this.#onLost();
        if (this.#closed) return;
        if (!had && failure.protocolRefused && this.#level === 5) {
          this.#level = 4;
          this.#connect(onOpen, onFailure);
        } else if (had) this.#again();
        else onFailure(failure);
      },
    });
  }

  #again(): void {
    this.#level = 5; // the broker may be another one next time
    this.#retry = setTimeout(
      () =>
        this.#connect(
          () => undefined,
          () => this.#again(),
        ),
      backoffMs(BACKOFF, ++this.#failures, Math.random()),
    );
  }
}
