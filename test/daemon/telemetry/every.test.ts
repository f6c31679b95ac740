import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Every } from '../../../daemon/telemetry/every.ts';

describe('what is done again and again', () => {
  let [times, skipped] = [0, 0];
  let act: () => Promise<void>;
  let every: Every;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] });
    [times, skipped] = [0, 0];
    act = async () => void times++;
    every = new Every(
      () => act(),
      () => skipped++,
    );
  });
  afterEach(() => {
    every.stop();
    vi.useRealTimers();
  });

  it('keeps its interval however often it is set again', async () => {
    every.set(10_000);
    for (let second = 0; second < 60; second++) {
      await vi.advanceTimersByTimeAsync(1000);
      every.set(10_000);
    }
    expect(times).toBe(6);
  });

  it('counts another interval from the last time', async () => {
    every.set(10_000);
    await vi.advanceTimersByTimeAsync(14_000);
    every.set(5000);
    await vi.advanceTimersByTimeAsync(999);
    expect(times).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(times).toBe(2);
    await vi.advanceTimersByTimeAsync(2000);
    every.set(1000);
    await vi.advanceTimersByTimeAsync(1);
    expect(times).toBe(3);
  });

  it('neither stalls nor hurries when the clock is set', async () => {
    every.set(10_000);
    for (const step of [-86_400_000, 50 * 365 * 86_400_000]) {
      vi.setSystemTime(Date.now() + step);
      await vi.advanceTimersByTimeAsync(20_000);
    }
    expect(times).toBe(4);
  });

  it('is not done twice at once, and what was missed is not made up for', async () => {
    let finish: () => void = () => undefined;
    act = () => {
      times++;
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    every.set(1000);
    await vi.advanceTimersByTimeAsync(5000);
    expect([times, skipped]).toEqual([1, 4]);
    finish();
    await vi.advanceTimersByTimeAsync(1000);
    expect([times, skipped]).toEqual([2, 4]);
  });
});
