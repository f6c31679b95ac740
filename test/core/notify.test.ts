import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createNotifier, monotonicUsec } from '../../core/notify.ts';
import { ServiceManager } from '../support/service-manager.ts';

const log = pino({ level: 'silent' });

describe.skipIf(process.platform !== 'linux')('createNotifier', () => {
  it('sends datagrams to the socket of the service manager', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'wayside-notify-'));
    const path = join(folder, 'socket');
    const manager = new ServiceManager(path);
    createNotifier(log, { NOTIFY_SOCKET: path }).notify('READY=1', 'STATUS=2 of 2 cameras live');
    expect(manager.read()).toEqual(['READY=1', 'STATUS=2 of 2 cameras live']);
    manager.close();
    await rm(folder, { recursive: true });
  });

  it('knows the abstract namespace', () => {
    const name = `@wayside-test-${process.pid}`;
    const manager = new ServiceManager(name);
    createNotifier(log, { NOTIFY_SOCKET: name }).notify('STOPPING=1');
    expect(manager.read()).toEqual(['STOPPING=1']);
    manager.close();
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
