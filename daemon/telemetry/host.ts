import { OSUtils } from 'node-os-utils';
import type { TelemetryMessage } from '../messages/telemetry.ts';
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

interface Traffic {
  readonly at: number;
  readonly received: number;
  readonly sent: number;
}

/**
 * Makes the reader of the host's resources. Rates are over the time since the last reading, so the first has none.
 * One reading takes about 0.2 s, most of it waiting for the processor's counters to move, and runs `df` once.
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
      seen(() => host.disk.usageByMountPoint('/')),
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
        totalBytes: whole(disk?.total.bytes),
        availableBytes: whole(disk?.available.bytes),
        usagePercent: percent(disk?.usagePercentage),
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
