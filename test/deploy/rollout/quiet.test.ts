import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { quietFor } from '../../../deploy/rollout/quiet.ts';

const signal = (): AbortSignal => new AbortController().signal;

it('hears what came while the process stood still before it says that all is quiet', async () => {
  const server = createServer();
  onTestFinished(() => void server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const hearing = connect(address.port, '127.0.0.1');
  const [speaking] = (await once(server, 'connection')) as [Socket];
  onTestFinished(() => void hearing.destroy());
  let heard = 0;
  let lastAt = performance.now();
  hearing.on('data', () => {
    heard++;
    lastAt = performance.now();
  });
  const quiet = quietFor(() => lastAt, 40, signal()).then(() => heard);
  speaking.write('a box');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 80); // as a machine that is busy elsewhere
  expect(await quiet).toBe(1);
  expect(performance.now() - lastAt).toBeGreaterThanOrEqual(39);
});

it('ends at once, and with an error, when it is told to', async () => {
  const ending = new AbortController();
  const quiet = quietFor(() => performance.now(), 60_000, ending.signal);
  ending.abort(new Error('enough'));
  await expect(quiet).rejects.toThrow('enough');
});
