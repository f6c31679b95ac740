import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createNotifier, monotonicUsec, socketAddress } from '../../daemon/notify.ts';

const log = pino({ level: 'silent' });

/** The other end: a real datagram socket, as the service manager has it. */
function manager(path: string): { receive: () => string; close: () => void } {
  const libc = koffi.load('libc.so.6');
  const socket = libc.func('int socket(int, int, int)')(1, 2, 0) as number;
  const address = socketAddress(path);
  expect(libc.func('int bind(int, void *, unsigned int)')(socket, address, address.length)).toBe(0);
  const receive = libc.func('long recv(int, void *, size_t, int)') as (...values: (number | Buffer)[]) => number;
  const close = libc.func('int close(int)') as (socket: number) => number;
  return {
    receive: () => {
      const bytes = Buffer.alloc(4096);
      const length = Number(receive(socket, bytes, bytes.length, 0x40));
      return bytes.toString('utf8', 0, Math.max(0, length));
    },
    close: () => close(socket),
  };
}

describe.skipIf(process.platform !== 'linux')('createNotifier', () => {
  it('sends datagrams to the socket of the service manager', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wayside-notify-'));
    const path = join(folder, 'socket');
    const { receive, close } = manager(path);
    createNotifier(log, { NOTIFY_SOCKET: path }).notify('READY=1', 'STATUS=2 of 2 cameras live');
    expect(receive()).toBe('READY=1\nSTATUS=2 of 2 cameras live');
    close();
    await rm(folder, { recursive: true });
  });

  it('knows the abstract namespace', () => {
    const name = `@wayside-test-${process.pid}`;
    const { receive, close } = manager(name);
    createNotifier(log, { NOTIFY_SOCKET: name }).notify('STOPPING=1');
    expect(receive()).toBe('STOPPING=1');
    close();
  });

  it('is watched only when the watchdog is meant for this process', () => {
    const watched = (more: NodeJS.ProcessEnv): number | undefined =>
      createNotifier(log, { NOTIFY_SOCKET: '@x', WATCHDOG_USEC: '30000000', ...more }).watchdogUsec;
    expect(watched({ WATCHDOG_PID: String(process.pid) })).toBe(30_000_000);
    expect(watched({ WATCHDOG_PID: '1' })).toBeUndefined();
    expect(watched({})).toBe(30_000_000);
  });

  it('does nothing without a service manager, and survives one that is gone', () => {
    createNotifier(log, {}).notify('READY=1');
    createNotifier(log, { NOTIFY_SOCKET: '/nowhere/socket' }).notify('READY=1');
    expect(createNotifier(log, {}).watchdogUsec).toBeUndefined();
  });

  it('counts on the monotonic clock in µs', () => {
    const [first, second] = [monotonicUsec(), monotonicUsec()];
    expect(second >= first).toBe(true);
    expect(Number(first)).toBeLessThan(process.hrtime()[0] * 1e6 + 2e6);
  });
});
