import { z } from 'zod';
import { CONTRACT_VERSION } from './envelope.ts';
import { MESSAGE_KINDS, type MessageKind } from './topics.ts';

type Json = { readonly [key: string]: unknown };

function jsonSchema(kind: MessageKind): Json {
  return z.toJSONSchema(kind.schema, { target: 'draft-2020-12' }) as Json;
}

function expiryText({ expiry }: MessageKind): string {
  if (expiry === null) return 'no expiry';
  return 'seconds' in expiry
    ? `expires after ${expiry.seconds} s`
    : `expires after ${expiry.intervals} telemetry intervals`;
}

const channelName = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());

function channel(name: string, kind: MessageKind): Json {
  const camera = kind.topic.includes('{camera}');
  return {
    address: `wayside/v${CONTRACT_VERSION}/{site}/{box}/${kind.topic}`,
    messages: { [channelName(name)]: { $ref: `#/components/messages/${channelName(name)}` } },
    parameters: {
      site: { description: 'the installation' },
      box: { description: 'the computer' },
      ...(camera ? { camera: { description: 'the camera, as configured' } } : {}),
    },
    bindings: {},
  };
}

function operation(name: string, kind: MessageKind): Json {
  return {
    action: 'send',
    summary: `QoS ${kind.qos}, ${kind.retain ? 'retained' : 'not retained'}, ${expiryText(kind)}`,
    channel: { $ref: `#/channels/${channelName(name)}` },
    bindings: { mqtt: { qos: kind.qos, retain: kind.retain, bindingVersion: '0.2.0' } },
  };
}

/** The AsyncAPI 3.0 document of everything a box publishes. */
function asyncApi(kinds: readonly [string, MessageKind][]): Json {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Wayside',
      version: `${CONTRACT_VERSION}.0.0`,
      description:
        'What a roadside box publishes over MQTT. JSON, UTF-8, SI units, UTC. Written by `npm run contract`.',
      license: { name: 'MIT' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(kinds.map(([name, kind]) => [channelName(name), channel(name, kind)])),
    operations: Object.fromEntries(kinds.map(([name, kind]) => [`send-${name}`, operation(name, kind)])),
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

/**
 * The published contract as files: JSON Schema (2020-12) of every message and the AsyncAPI document over them.
 *
 * @returns file name to text, for `docs/reference/contract/`
 */
export function contractFiles(): ReadonlyMap<string, string> {
  const kinds = Object.entries(MESSAGE_KINDS);
  const text = (json: Json): string => `${JSON.stringify(json, null, 2)}\n`;
  return new Map([
    ...kinds.map(([name, kind]) => [`${name}.schema.json`, text(jsonSchema(kind))] as const),
    ['asyncapi.json', text(asyncApi(kinds))] as const,
  ]);
}
