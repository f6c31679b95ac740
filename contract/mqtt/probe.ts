import { randomUUID } from 'node:crypto';
import { WaysideError } from '../../core/errors.ts';
import { attempt, type BrokerOptions, type Failure } from './attempt.ts';
import type { Connection, ProtocolLevel } from './connection.ts';

/** What a broker lets this user do. */
export interface BrokerProbe {
  readonly protocol: '5.0' | '3.1.1';
  /** From the first packet to the broker's consent, ms. */
  readonly connectMs: number;
  /** Where a message was sent. */
  readonly topic: string;
  /** Why it may not write there; null where it may, or where nothing is known: see `came`. */
  readonly refusal: string | null;
  /** Whether it may read there. */
  readonly readable: boolean;
  /** Whether the message came back. Under MQTT 3.1.1 the broker confirms what it throws away: only this tells. */
  readonly came: boolean;
  /** From sending to its coming back, ms. */
  readonly roundTripMs: number | null;
}

interface ProbeOptions {
  /** Topics of the box: `wayside/v1/<site>/<box>`. */
  readonly root: string;
  /** For the message to come back, after the connection. @default 5000 */
  readonly answerMs?: number;
  readonly signal?: AbortSignal;
}

/** No camera is called that, and no subscription to `camera/+/...` hears it; whoever may write for cameras may write there. */
const PROBE_TOPIC = 'camera/_probe';

/**
 * Connects as a box would, and sends one message of quality 1, not retained, to itself.
 *
 * @throws {WaysideError} BROKER_UNAVAILABLE: no connection, with the reason
 */
export async function probeBroker(
  broker: BrokerOptions,
  { root, answerMs = 5000, signal }: ProbeOptions,
): Promise<BrokerProbe> {
  const started = performance.now();
  const { connection, level, lost } = await connect(broker, 5, signal);
  const connectMs = performance.now() - started;
  const topic = `${root}/${PROBE_TOPIC}`;
  try {
    const answer = await Promise.race([exchange(connection, topic, answerMs, signal), lost]);
    return { protocol: level === 5 ? '5.0' : '3.1.1', connectMs, topic, ...answer };
  } finally {
    await connection.endCleanly(1000);
  }
}

interface Connected {
  readonly connection: Connection;
  readonly level: ProtocolLevel;
  readonly lost: Promise<never>;
}

async function connect(
  broker: BrokerOptions,
  level: ProtocolLevel,
  signal: AbortSignal | undefined,
): Promise<Connected> {
  signal?.throwIfAborted();
  let lose: (error: Error) => void = () => undefined;
  const lost = new Promise<never>((_, reject) => {
    lose = reject;
  });
  lost.catch(() => undefined); // raced against what is done with the connection
  const outcome = await new Promise<Connection | Failure>((resolve, reject) => {
    const giveUp = attempt(broker, level, undefined, {
      onConnected: (connection) => {
        signal?.removeEventListener('abort', aborted);
        resolve(connection);
      },
      onClosed: (failure) => {
        lose(unavailable(broker, failure));
        resolve(failure);
      },
    });
    const aborted = (): void => {
      giveUp();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', aborted, { once: true });
  });
  if (!('reason' in outcome)) return { connection: outcome, level, lost };
  if (outcome.protocolRefused && level === 5) return await connect(broker, 4, signal);
  throw unavailable(broker, outcome);
}

function unavailable({ url }: BrokerOptions, { reason, hint }: Failure): WaysideError {
  return new WaysideError('BROKER_UNAVAILABLE', {
    message: `${url}: ${reason}`,
    ...(hint === undefined ? {} : { hint: 'check the user name and the password' }),
  });
}

async function exchange(
  connection: Connection,
  topic: string,
  answerMs: number,
  signal: AbortSignal | undefined,
): Promise<Pick<BrokerProbe, 'refusal' | 'readable' | 'came' | 'roundTripMs'>> {
  const payload = JSON.stringify({ probe: randomUUID() });
  let heard: () => void = () => undefined;
  const came = new Promise<true>((resolve) => {
    heard = () => resolve(true);
  });
  const readable = await connection.subscribe(
    topic,
    (packet) => {
      if (packet.payload.toString() === payload) heard();
    },
    { own: true, qos: 1 },
  );
  const sent = performance.now();
  const limit = AbortSignal.timeout(answerMs);
  const over = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  const late = new Promise<false>((resolve) => over.addEventListener('abort', () => resolve(false), { once: true }));
  const confirmed = new Promise<string | null>((resolve) =>
    connection.publish({ topic, payload, qos: 1, retain: false }, ({ refused }) => resolve(refused?.reason ?? null)),
  );
  const refusal = await Promise.race([confirmed, late.then(() => 'the broker did not confirm the message in time')]);
  signal?.throwIfAborted();
  if (refusal !== null || !readable) return { refusal, readable, came: false, roundTripMs: null };
  const back = await Promise.race([came, late]);
  signal?.throwIfAborted();
  return { refusal, readable, came: back, roundTripMs: back ? performance.now() - sent : null };
}
