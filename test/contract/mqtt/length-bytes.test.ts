import '../../../contract/mqtt/attempt.ts';
import { createRequire } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';

interface Packets {
  generate(packet: object, options: object): Buffer;
}

const fromMqtt = createRequire(createRequire(import.meta.url).resolve('mqtt'));
const { generate } = fromMqtt('mqtt-packet') as Packets;

/** What mqtt.js writes for a message of so many bytes. */
function written(bytes: number): Buffer {
  const message = { cmd: 'publish', topic: 'a', payload: Buffer.alloc(bytes), qos: 1, messageId: 1, retain: false };
  return generate({ ...message, dup: false }, { protocolVersion: 4 });
}

/** As MQTT writes lengths, 1.5.5: the examples of its table at the borders. */
it.each([
  [122, [127]],
  [123, [0x80, 0x01]],
  [16_378, [0xff, 0x7f]],
  [16_379, [0x80, 0x80, 0x01]],
  [2_097_146, [0xff, 0xff, 0x7f]],
  [2_097_147, [0x80, 0x80, 0x80, 0x01]],
])('a message of %i bytes states its length', (bytes, length) => {
  const packet = written(bytes);
  expect([...packet.subarray(1, 1 + length.length)]).toEqual(length);
  expect(packet.length).toBe(1 + length.length + 5 + bytes);
});

it('lengths that were sent once hold no memory of others', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = held();
  // Whatever else is small lies between two of them in the pool, as in any program.
  for (let bytes = 500; bytes < 2000; bytes++) for (let other = 0; other < 4; other++) written(bytes + other).fill(0);
  expect(held() - before).toBeLessThan(2 ** 20);
});
