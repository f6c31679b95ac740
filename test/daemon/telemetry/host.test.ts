import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clockFromTimex, createClockReader } from '../../../contract/clock.ts';
import { createHostReader } from '../../../daemon/telemetry/host.ts';
import { residentBytes } from '../../../daemon/telemetry/processes.ts';
import { parseThrottled, temperatureCelsius, throttled } from '../../../daemon/telemetry/thermal.ts';

describe('the clock', () => {
  const timex = (status: number, maxErrorUs: bigint): Buffer => {
    const bytes = Buffer.alloc(208);
    bytes.writeBigInt64LE(maxErrorUs, 24);
    bytes.writeInt32LE(status, 40);
    return bytes;
  };
  it('is synchronized, with its largest error, when the kernel says so', () => {
    expect(clockFromTimex(0, timex(0x2001, 12_500n))).toEqual({ synced: true, errorMs: 12.5 });
  });
  it('is not when the kernel marks it, or returns TIME_ERROR', () => {
    expect(clockFromTimex(5, timex(0x40, 16_000_000n))).toEqual({ synced: false, errorMs: null });
    expect(clockFromTimex(0, timex(0x40, 1n))).toEqual({ synced: false, errorMs: null });
  });
  it('is unknown where the kernel refuses to tell', () => {
    expect(clockFromTimex(-1, timex(0, 0n))).toEqual({ synced: null, errorMs: null });
  });
  it('can be read here', () => {
    const { synced, errorMs } = createClockReader(pino({ level: 'silent' }))();
    expect([true, false, null]).toContain(synced);
    if (synced !== true) expect(errorMs).toBeNull();
  });
});

describe('temperature', () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'wayside-thermal-'));
  });
  afterEach(() => rm(root, { recursive: true }));
  const zone = async (index: number, type: string, temp: string): Promise<void> => {
    await mkdir(join(root, `thermal_zone${index}`));
    await writeFile(join(root, `thermal_zone${index}`, 'type'), `${type}\n`);
    await writeFile(join(root, `thermal_zone${index}`, 'temp'), `${temp}\n`);
  };

  it('is the hottest of the processor, not of a network chip', async () => {
    await zone(0, 'cpu-thermal', '61234');
    await zone(1, 'x86_pkg_temp', '58000');
    await zone(2, 'iwlwifi_1', '90000');
    expect(await temperatureCelsius(root)).toBeCloseTo(61.234);
  });
  it('is null, not 0, without a sensor or with one that is off', async () => {
    expect(await temperatureCelsius(join(root, 'absent'))).toBeNull();
    await zone(0, 'cpu-thermal', '0');
    await zone(1, 'gpu-thermal', '-274000');
    await zone(2, 'soc-thermal', '');
    expect(await temperatureCelsius(root)).toBeNull();
  });
});

describe('throttling', () => {
  it('is what happens now, not what happened since boot', () => {
    expect(parseThrottled('throttled=0x50000')).toBe(false);
    expect(parseThrottled('throttled=0x50005')).toBe(true);
    expect(parseThrottled('error')).toBeNull();
  });
  it('is null on a board that does not tell', async () => {
    expect(await throttled('/nowhere', '/dev/nothing')).toBeNull();
  });
});

describe.skipIf(process.platform !== 'linux')('the host', () => {
  it('is read, and what needs two readings is null at the first', async () => {
    const read = createHostReader();
    const first = await read();
    expect(first.memory.totalBytes).toBeGreaterThan(first.memory.availableBytes ?? Number.POSITIVE_INFINITY);
    expect(first.network).toEqual({ receivedBytesPerSecond: null, sentBytesPerSecond: null });
    const second = await read();
    expect(second.network.receivedBytesPerSecond).toBeGreaterThanOrEqual(0);
    expect(second.cpu.usagePercent).toBeGreaterThanOrEqual(0);
  });
  it('knows the memory of a process, and null for one that is gone', () => {
    expect(residentBytes(process.pid)).toBeGreaterThan(10 * 2 ** 20);
    expect(residentBytes(2 ** 22 + 1)).toBeNull();
  });
});
