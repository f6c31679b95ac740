import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { timesyncdClock } from '../../../contract/time-daemon/timesyncd.ts';

describe('the clock under systemd-timesyncd', () => {
  const now = Date.UTC(2026, 10, 26, 12);
  let folder: string;
  beforeEach(async () => {
    folder = join(await mkdtemp(join(tmpdir(), 'wayside-timesync-')), 'timesync');
    await mkdir(folder);
  });
  afterEach(() => rm(join(folder, '..'), { recursive: true }));

  async function corrected(secondsAgo: number): Promise<void> {
    await writeFile(join(folder, 'synchronized'), '');
    const at = now / 1000 - secondsAgo;
    await utimes(join(folder, 'synchronized'), at, at);
  }

  it('is unknown where that does not run', () => {
    expect(timesyncdClock(now, join(folder, 'nowhere'))).toBeUndefined();
  });

  it('is not synchronized before the first correction', () => {
    expect(timesyncdClock(now, folder)).toEqual({ synced: false, errorMs: null });
  });

  it('may be wrong by 500 parts in a million since the last correction', async () => {
    await corrected(0);
    expect(timesyncdClock(now, folder)).toEqual({ synced: true, errorMs: 0 });
    await corrected(2048);
    expect(timesyncdClock(now, folder)).toEqual({ synced: true, errorMs: 1024 });
  });

  it('is not synchronized any more when corrections have stayed away for nine hours', async () => {
    await corrected(31_999);
    expect(timesyncdClock(now, folder)?.synced).toBe(true);
    await corrected(32_001);
    expect(timesyncdClock(now, folder)).toEqual({ synced: false, errorMs: null });
  });

  it('is not synchronized after somebody has set it back', async () => {
    await corrected(-60);
    expect(timesyncdClock(now, folder)).toEqual({ synced: false, errorMs: null });
  });
});
