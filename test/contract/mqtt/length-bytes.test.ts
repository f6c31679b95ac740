import { execFile } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { compiledModule } from '../../../core/layout.ts';

/**
 * What a program that has loaded a module first finds. A process of its own: test files share one, and whichever loads mqtt.js before,
 * as nothing of the product does, decides what the others see of it.
 */
async function inProgram<T>(module: string, body: string): Promise<T> {
  const url = JSON.stringify(pathToFileURL(compiledModule(module)).href);
  const program = `
    import { createRequire } from 'node:module';
    await import(${url});
    const { generate, writeToStream } = createRequire(createRequire(${url}).resolve('mqtt'))('mqtt-packet');
    const message = (bytes) =>
      ({ cmd: 'publish', topic: 'a', payload: Buffer.alloc(bytes), qos: 1, messageId: 1, retain: false, dup: false });
    const found = (() => { ${body} })();
    console.log(JSON.stringify(found));
    process.exit();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
  return JSON.parse(stdout) as T;
}

/** As MQTT writes lengths, 1.5.5: the examples of its table at the borders. */
const AT_BORDERS = [
  [122, [127]],
  [123, [0x80, 0x01]],
  [16_378, [0xff, 0x7f]],
  [16_379, [0x80, 0x80, 0x01]],
  [2_097_146, [0xff, 0xff, 0x7f]],
  [2_097_147, [0x80, 0x80, 0x80, 0x01]],
] as const;

it('a message states its length', async () => {
  const sizes = JSON.stringify(AT_BORDERS.map(([bytes]) => bytes));
  const packets = await inProgram<{ head: number[]; bytes: number }[]>(
    'contract/mqtt/attempt',
    `return ${sizes}.map((bytes) => generate(message(bytes), { protocolVersion: 4 }))
      .map((packet) => ({ head: [...packet.subarray(1, 5)], bytes: packet.length }));`,
  );
  AT_BORDERS.forEach(([bytes, length], at) => {
    expect(packets[at]?.head.slice(0, length.length)).toEqual(length);
    expect(packets[at]?.bytes).toBe(1 + length.length + 5 + bytes);
  });
});

/** Bytes of the memory that the lengths of 1,500 messages lie in, second of what is written, and kept for ever. */
const held = (module: string): Promise<number> =>
  inProgram(
    module,
    `const memory = new Set();
    for (let bytes = 500; bytes < 2000; bytes++) {
      Buffer.allocUnsafe(bytes); // whatever else is small lies between two of them in the pool, as in any program
      const chunks = [];
      writeToStream(message(bytes), { write: (chunk) => chunks.push(chunk) }, { protocolVersion: 4 });
      memory.add(chunks[1].buffer);
    }
    return [...memory].reduce((sum, { byteLength }) => sum + byteLength, 0);`,
  );

it('lengths that were sent once hold no memory of others', async () => {
  expect(await held('contract/mqtt/attempt')).toBeLessThan(16_384); // four bytes each
  expect(await held('core/layout')).toBeGreaterThan(1e6); // mqtt.js by itself: once it is mended, ours may go
});
