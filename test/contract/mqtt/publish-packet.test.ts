import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import mqtt, { type IPublishPacket, type MqttClient } from 'mqtt';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProtocolLevel } from '../../../contract/mqtt/connection.ts';
import { publishPacket } from '../../../contract/mqtt/publish-packet.ts';

/** CONNACK without anything to say (3.2): MQTT 5 has a length of properties more. */
const CONNACK: Record<ProtocolLevel, Buffer> = { 5: Buffer.from([0x20, 3, 0, 0, 0]), 4: Buffer.from([0x20, 2, 0, 0]) };

/** What mqtt.js, as a subscriber, understands of bytes. */
async function understood(bytes: Buffer, level: ProtocolLevel): Promise<IPublishPacket> {
  const server = createServer((socket: Socket) => {
    socket.once('data', () => socket.write(Buffer.concat([CONNACK[level], bytes])));
    socket.on('error', () => undefined); // the client leaves without a word
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const client: MqttClient = mqtt.connect({
    host: '127.0.0.1',
    port: address.port,
    protocolVersion: level,
    reconnectPeriod: 0,
  });
  ends.push(() => {
    client.end(true);
    server.close();
  });
  return await new Promise((resolve, reject) => {
    client.once('message', (_topic, _payload, packet) => resolve(packet));
    client.once('error', reject);
  });
}

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

describe('publishPacket', () => {
  const topic = 'wayside/v1/Straße/box/camera/a/detections';

  // Around each border of the length of the length (1.5.5), with characters of several bytes.
  it.each([0, 1, 60, 130, 16_300, 16_384, 70_000, 2_097_152])(
    'is read by mqtt.js with %i characters',
    async (length) => {
      const payload = `${'ü'.repeat(length)}${length === 0 ? '' : '}'}`;
      for (const level of [4, 5] as const) {
        const packet = await understood(publishPacket({ topic, payload, expirySeconds: 5 }, level), level);
        expect(packet).toMatchObject({ topic, qos: 0, retain: false, dup: false });
        expect(packet.payload.toString()).toBe(payload);
        if (level === 5 && length > 0)
          expect(packet.properties).toEqual({ contentType: 'application/json', messageExpiryInterval: 5 });
      }
    },
  );

  it('has no expiry where none is given', async () => {
    const packet = await understood(publishPacket({ topic, payload: '{}', expirySeconds: undefined }, 5), 5);
    expect(packet.properties).toEqual({ contentType: 'application/json' });
  });
});
