import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { startRelay } from '../../bench/harness/soak/relay.ts';
import { until } from '../support/until.ts';

it('passes on, then holds everything without a word, and lets go of what was connected before', async () => {
  let heard = '';
  const server = createServer((socket) => {
    socket.on('data', (chunk) => {
      heard += chunk.toString();
    });
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const relay = await startRelay((server.address() as AddressInfo).port);
  try {
    const box = connect(relay.port, '127.0.0.1');
    box.write('one ');
    await until('the first', () => heard === 'one ');
    relay.cut();
    box.write('lost ');
    const late = connect(relay.port, '127.0.0.1');
    await once(late, 'connect');
    late.write('lost too ');
    expect([box.destroyed, late.destroyed]).toEqual([false, false]);
    const gone = Promise.all([box, late].map((socket) => once(socket, 'error')));
    relay.mend();
    expect((await gone).flat()).toEqual([
      expect.objectContaining({ code: 'ECONNRESET' }),
      expect.objectContaining({ code: 'ECONNRESET' }),
    ]);
    const next = connect(relay.port, '127.0.0.1');
    next.write('two');
    await until('the next', () => heard === 'one two');
    next.destroy();
  } finally {
    await relay.close();
    server.close();
  }
});
