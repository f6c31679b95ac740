import { z } from 'zod';
import { ALARMS } from './alarm.ts';
import { type Delivery, ON_WIRE } from './delivery.ts';
import { CONTRACT_VERSION } from './envelope.ts';
import { MESSAGE_KINDS, type MessageKind, TOPIC_PARAMETERS } from './kinds.ts';
import { parametersIn } from './topics.ts';

type Json = { readonly [key: string]: unknown };

function jsonSchema(kind: MessageKind): Json {
  return z.toJSONSchema(kind.schema, { target: 'draft-2020-12' }) as Json;
}

const DAY = 86_400;

const secondsText = (seconds: number): string =>
  seconds >= DAY && seconds % DAY === 0 ? `${seconds / DAY} days` : `${seconds} s`;

function expiryText({ delivery }: MessageKind): string {
  if (delivery.kind === 'retained') return 'no expiry';
  const { expiry } = delivery;
  return 'seconds' in expiry
    ? `expires after ${secondsText(expiry.seconds)}`
    : `expires after ${expiry.intervals} telemetry intervals`;
}

const channelName = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

function channel(name: string, kind: MessageKind): Json {
  const described: Readonly<Record<string, string>> = TOPIC_PARAMETERS;
  const parameters = parametersIn(kind.topic).map((each) => [each, { description: described[each] ?? each }] as const);
  return {
    address: `wayside/v${CONTRACT_VERSION}/{site}/{box}/${kind.topic}`,
    messages: { [channelName(name)]: { $ref: `#/components/messages/${channelName(name)}` } },
    parameters: {
      site: { description: 'the installation' },
      box: { description: 'the computer; `_office` where the office speaks to itself' },
      ...Object.fromEntries(parameters),
    },
    bindings: {},
  };
}

function operation(name: string, kind: MessageKind): Json {
  const { qos, retain } = ON_WIRE[kind.delivery.kind];
  return {
    action: kind.from === 'box' ? 'send' : 'receive',
    summary: `QoS ${qos}, ${retain ? 'retained' : 'not retained'}, ${expiryText(kind)}`,
    channel: { $ref: `#/channels/${channelName(name)}` },
    bindings: { mqtt: { qos, retain, bindingVersion: '0.2.0' } },
  };
}

/** The AsyncAPI 3.0 document of everything a box publishes and listens to. */
function asyncApi(kinds: readonly [string, MessageKind][]): Json {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Wayside',
      version: `${CONTRACT_VERSION}.0.0`,
      description:
        'What a roadside box publishes and listens to over MQTT. JSON, UTF-8, SI units, UTC. Written by `npm run contract`.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(kinds.map(([name, kind]) => [channelName(name), channel(name, kind)])),
    operations: Object.fromEntries(
      kinds.map(([name, kind]) => [`${kind.from === 'box' ? 'send' : 'receive'}-${name}`, operation(name, kind)]),
    ),
    components: {
      messages: Object.fromEntries(
        kinds.map(([name]) => [
          channelName(name),
          { name, contentType: 'application/json', payload: { $ref: `./${name}.schema.json` } },
        ]),
      ),
    },
  };
}

function expiryCell(delivery: Delivery): string {
  if (delivery.kind === 'retained') return 'none';
  return 'seconds' in delivery.expiry ? secondsText(delivery.expiry.seconds) : `${delivery.expiry.intervals} intervals`;
}

/** Every topic with how it is delivered, for `docs/reference/mqtt.md`. */
export function topicTable(rows: Readonly<Record<string, MessageKind>> = MESSAGE_KINDS): string {
  const lines = Object.values(rows).map(({ topic, delivery, content }) => {
    const { qos, retain } = ON_WIRE[delivery.kind];
    return `| \`${topic.replace('{camera}', '<id>').replace(/\{(\w+)\}/g, '<$1>')}\` | ${qos}${retain ? ', retained' : ''} | ${expiryCell(delivery)} | ${content} |`;
  });
  return ['| topic | QoS | expiry (MQTT 5) | content |', '|---|---|---|---|', ...lines].join('\n');
}

/** Every alarm, for `docs/reference/mqtt.md`. */
export function alarmTable(): string {
  const lines = Object.entries(ALARMS).map(
    ([code, { severity, action, afterSeconds }]) =>
      `| \`${code}\` | ${severity} | ${afterSeconds === undefined ? 'at once' : `after ${afterSeconds} s`} | ${action} |`,
  );
  return ['| code | severity | raised | what to do |', '|---|---|---|---|', ...lines].join('\n');
}

/**
 * The published contract as files: JSON Schema (2020-12) of every message and the AsyncAPI document over them.
 *
 * @returns file name to text, for `docs/reference/contract/`
 */
export function contractFiles(
  rows: Readonly<Record<string, MessageKind>> = MESSAGE_KINDS,
): ReadonlyMap<string, string> {
  const kinds = Object.entries(rows);
  const text = (json: Json): string => `${JSON.stringify(json, null, 2)}\n`;
  return new Map([
    ...kinds.map(([name, kind]) => [`${name}.schema.json`, text(jsonSchema(kind))] as const),
    ['asyncapi.json', text(asyncApi(kinds))] as const,
  ]);
}
