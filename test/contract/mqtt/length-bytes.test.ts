import { createRequire } from 'node:module';
import { expect, it, vi } from 'vitest';

interface Packets {
  generate(packet: object, options: object): Buffer;
  writeToStream(packet: object, stream: object, options: object): boolean;
}

const require = createRequire(import.meta.url);
// Test files share a process: one before may have loaded mqtt.js by itself, which nothing of the product does.
for (const path of Object.keys(require.cache)) if (path.includes('/node_modules/mqtt')) delete require.cache[path];
vi.resetModules();
await import('../../../contract/mqtt/attempt.ts');

const fromMqtt = createRequire(require.resolve('mqtt'));
const { generate, writeToStream } = fromMqtt('mqtt-packet') as Packets;

const message = (bytes: number): object => {
  return { cmd: 'publish', topic: 'a', payload: Buffer.alloc(bytes), qos: 1, messageId: 1, retain: false, dup: false };
};

/** What mqtt.js writes for a message of so many bytes. */
const written = (bytes: number): Buffer => generate(message(bytes), { protocolVersion: 4 });

/** Where the length lies that mqtt.js writes for such a message, second of what it writes, and keeps. */
function memoryOfLength(bytes: number): ArrayBufferLike {
  const chunks: Buffer[] = [];
  writeToStream(message(bytes), { write: (chunk: Buffer) => chunks.push(chunk) }, { protocolVersion: 4 });
  const length = chunks[1];
  if (length === undefined) throw new Error('mqtt-packet wrote no length');
  return length.buffer;
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
  const held = new Set<ArrayBufferLike>();
  for (let bytes = 500; bytes < 2000; bytes++) {
    Buffer.allocUnsafe(bytes); // Whatever else is small lies between two of them in the pool, as in any program.
    held.add(memoryOfLength(bytes));
  }
  const total = [...held].reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(total).toBeLessThan(16_384); // 1,500 of them with 4 bytes each
});
