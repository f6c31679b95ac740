import './length-bytes.ts';
import { type IClientOptions, MqttClient } from 'mqtt';
import type { BackoffPlan } from '../../core/backoff.ts';
import { redactUrls } from '../../core/log.ts';
import { explainShortage } from '../../core/shortage.ts';
import { ON_WIRE } from '../messages/delivery.ts';
import { Connection, type ProtocolLevel } from './connection.ts';
import type { SubscriptionQuality } from './subscription-quality.ts';
import { openTransport, type Transport } from './transport.ts';

export interface BrokerOptions {
  /** `mqtt://` or `mqtts://`, without credentials. */
  readonly url: string;
  readonly clientId: string;
  readonly keepaliveSeconds: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly ca: Buffer | undefined;
  readonly cert: Buffer | undefined;
  readonly key: Buffer | undefined;
  /** Between attempts to connect. @default half a second to half a minute */
  readonly backoff?: BackoffPlan;
}

export interface Will {
  readonly topic: string;
  readonly payload: string;
}

/** Why there is no connection, or no longer one. */
export interface Failure {
  /** One line, without credentials. */
  readonly reason: string;
  /** The broker does not speak the protocol that was tried. */
  readonly protocolRefused: boolean;
  /** What a person can do about it. */
  readonly hint?: string;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** MQTT 5, 3.15.2.1 (DISCONNECT) and 3.2.2.2 (CONNACK): what an operator can do something about, in words. */
const REASONS: Readonly<Record<number, string>> = {
  132: 'unsupported protocol version',
  133: 'client identifier not valid',
  134: 'bad user name or password',
  135: 'not authorized',
  137: 'server busy',
  138: 'banned',
  139: 'server shutting down',
  141: 'keep alive timeout',
  142: 'session taken over: another client uses the same clientId',
};

/** Return code 1 of MQTT 3.1.1 (3.2.2.3) and reason code 132 of MQTT 5 (3.2.2.2). */
const PROTOCOL_REFUSALS: readonly unknown[] = [1, 132];

/** Return codes 4 and 5 of MQTT 3.1.1 (3.2.2.3), reason codes 134 and 135 of MQTT 5. */
const CREDENTIALS_REFUSALS: readonly unknown[] = [4, 5, 134, 135];
const CREDENTIALS_HINT =
  'check `mqtt.username` and the password behind `mqtt.passwordFile` or `mqtt.passwordEnv`, and send SIGHUP';

/** How mqtt.js is told to do no more than one connection: when to try again is decided by the publisher. */
function clientOptions(broker: BrokerOptions, level: ProtocolLevel, will: Will | undefined): IClientOptions {
  const defined = <K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } =>
    value === undefined ? {} : ({ [key]: value } as { [P in K]?: V });
  return {
    protocolVersion: level,
    clientId: broker.clientId,
    keepalive: broker.keepaliveSeconds,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    queueQoSZero: false,
    writeCache: false, // every number of 16 bits as a buffer of its own: 7 MB of heap, 11 MB resident
    resubscribe: false,
    ...(will === undefined
      ? {}
      : { will: { topic: will.topic, payload: Buffer.from(will.payload), ...ON_WIRE.retained } }),
    ...defined('username', broker.username),
    ...defined('password', broker.password),
  };
}

/** How an attempt goes; after `onConnected`, `onClosed` follows once when the connection is lost. */
interface AttemptListeners {
  readonly onConnected: (connection: Connection) => void;
  readonly onClosed: (failure: Failure) => void;
}

/**
 * Tries to connect once: TCP, TLS, then MQTT. Exactly one of the two outcomes of connecting is told.
 *
 * @param will undefined for who only listens
 * @param quality what the client's connections before it have shown
 * @returns gives the attempt up, without another word
 */
export function attempt(
  broker: BrokerOptions,
  level: ProtocolLevel,
  will: Will | undefined,
  listeners: AttemptListeners,
  quality?: SubscriptionQuality,
): () => void {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(new Error('no answer in time')), CONNECT_TIMEOUT_MS);
  let client: MqttClient | undefined;
  let silent = false;
  const closed = (failure: Failure): void => {
    clearTimeout(timer);
    if (!silent) listeners.onClosed(failure);
    silent = true;
  };
  openTransport(broker, abort.signal).then(
    (transport) => {
      clearTimeout(timer);
      if (silent) transport.reset();
      else client = speak(transport, broker, level, will, { ...listeners, onClosed: closed }, quality);
    },
    (thrown: unknown) => closed({ reason: redactUrls(textOf(thrown)), protocolRefused: false }),
  );
  return () => {
    silent = true;
    clearTimeout(timer);
    abort.abort();
    client?.end(true);
  };
}

/** An address that resolves to IPv4 and IPv6 fails with one error for both and no text of its own. */
function textOf(thrown: unknown): string {
  const text = explainShortage(thrown);
  return text !== '' ? text : thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'refused';
}

function speak(
  transport: Transport,
  broker: BrokerOptions,
  level: ProtocolLevel,
  will: Will | undefined,
  { onConnected, onClosed }: AttemptListeners,
  quality: SubscriptionQuality | undefined,
): MqttClient {
  const client = new MqttClient(() => transport.stream, clientOptions(broker, level, will));
  let connected = false;
  let closed = false;
  let failure: Failure | undefined;
  client.on('connect', () => {
    connected = true;
    quality?.connected();
    onConnected(new Connection(client, transport, level, quality));
  });
  client.on('error', (error) => {
    const code: unknown = 'code' in error ? error.code : undefined;
    const words = typeof code === 'number' ? REASONS[code] : undefined;
    failure ??= {
      reason: redactUrls(words ?? textOf(error)),
      protocolRefused: PROTOCOL_REFUSALS.includes(code),
      ...(CREDENTIALS_REFUSALS.includes(code) ? { hint: CREDENTIALS_HINT } : {}),
    };
  });
  client.on('disconnect', (packet) => {
    const code = packet.reasonCode ?? 0;
    failure ??= { reason: REASONS[code] ?? `the broker disconnected with code ${code}`, protocolRefused: code === 132 };
  });
  client.on('close', () => {
    if (closed) return;
    closed = true;
    client.end(true);
    onClosed(failure ?? closedWithoutWord(connected, level));
  });
  return client;
}

/** Old brokers close on a protocol level they do not know instead of answering: worth a try with the older one. */
function closedWithoutWord(connected: boolean, level: ProtocolLevel): Failure {
  return connected
    ? { reason: 'the connection was lost', protocolRefused: false }
    : { reason: 'the broker closed the connection before it answered', protocolRefused: level === 5 };
}
