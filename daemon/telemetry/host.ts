import { statfs } from 'node:fs/promises';
import { OSUtils } from 'node-os-utils';
import type { TelemetryMessage } from '../../contract/messages/telemetry.ts';
import { temperatureCelsius, throttled } from './thermal.ts';

export type HostFigures = Pick<
  TelemetryMessage,
  'cpu' | 'memory' | 'disk' | 'network' | 'temperatureCelsius' | 'throttled'
>;

interface Answer<T> {
  readonly success: boolean;
  readonly data?: T;
}

/** What was not seen is null: a failed reading is never a zero. */
async function seen<T>(ask: () => Promise<Answer<T>>): Promise<T | null> {
  try {
    const answer = await ask();
    return answer.success ? (answer.data ?? null) : null;
  } catch {
    return null; // node-os-utils throws where it lacks a command; "not seen" is the answer
  }
}

const finite = (value: number | undefined): number | null => (Number.isFinite(value) ? (value as number) : null);
const whole = (value: number | undefined): number | null =>
  Number.isFinite(value) ? Math.round(value as number) : null;
const tenth = (value: number | null): number | null => (value === null ? null : Math.round(value * 10) / 10);
const percent = (value: number | null | undefined): number | null =>
  value === null || value === undefined || !Number.isFinite(value) ? null : tenth(Math.min(100, Math.max(0, value)));

interface Space {
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly usagePercent: number;
}

/** As `df` counts: what only root may use is neither available nor part of the whole that the share is of. */
async function spaceOf(mountPoint: string): Promise<Space | null> {
  try {
    const { bsize, blocks, bfree, bavail } = await statfs(mountPoint);
    const used = blocks - bfree;
    return {
      totalBytes: blocks * bsize,
      availableBytes: bavail * bsize,
      usagePercent: (used / (used + bavail)) * 100,
    };
  } catch {
    return null; // the kernel refuses (seccomp): "not seen" is the answer
  }
}

interface Traffic {
  readonly at: number;
  readonly received: number;
  readonly sent: number;
}

/**
 * Makes the reader of the host's resources. Rates are over the time since the last reading, so the first has none.
 * One reading takes about 0.2 s, most of it waiting for the processor's counters to move. The disk is asked for with statfs(2):
 * node-os-utils starts a shell that runs `df`, which with 5 s between readings cost as much CPU as a sixth of the supervisor
 * (and ten times that where `BASH_ENV` names a script), and hangs with any network mount that does.
 */
export function createHostReader(): () => Promise<HostFigures> {
  const host = new OSUtils({ cacheEnabled: false, timeout: 5000 });
  let last: Traffic | undefined;

  const traffic = async (): Promise<Traffic | null> => {
    const interfaces = await seen(() => host.network.statsAsync());
    if (interfaces === null) return null;
    const outside = interfaces.filter((each) => each.interface !== 'lo');
    const sum = (of: (each: (typeof outside)[number]) => number): number =>
      outside.reduce((total, each) => total + of(each), 0);
    return {
      at: performance.now(),
      received: sum((each) => each.rxBytes.bytes),
      sent: sum((each) => each.txBytes.bytes),
    };
  };

  return async () => {
    const [usage, load, memory, disk, now, celsius, slow] = await Promise.all([
      seen(() => host.cpu.usage()),
      seen(() => host.cpu.loadAverage()),
      seen(() => host.memory.info()),
      spaceOf('/'),
      traffic(),
      temperatureCelsius(),
      throttled(),
    ]);
    const before = last;
    last = now ?? undefined;
    const rate = (of: (traffic: Traffic) => number): number | null =>
      now === null || before === undefined ? null : Math.round((of(now) - of(before)) / ((now.at - before.at) / 1000));
    return {
      cpu: { usagePercent: percent(usage), load1: finite(load?.load1) },
      memory: { totalBytes: whole(memory?.total.bytes), availableBytes: whole(memory?.available.bytes) },
      disk: {
        totalBytes: whole(disk?.totalBytes),
        availableBytes: whole(disk?.availableBytes),
        usagePercent: percent(disk?.usagePercent),
      },
      network: {
        receivedBytesPerSecond: rate((each) => each.received),
        sentBytesPerSecond: rate((each) => each.sent),
      },
      temperatureCelsius: tenth(celsius),
      throttled: slow,
    };
  };
}
