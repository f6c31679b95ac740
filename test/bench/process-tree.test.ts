import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cpuSeconds, peakResident, residentTree } from '../../bench/harness/process/tree.ts';

/** A Node process that burns 300 ms of CPU in a child of its own, waits for it, says so, and stays. */
const PARENT = `
  const { spawnSync } = require('node:child_process');
  spawnSync(process.execPath, ['-e', 'const end = process.cpuUsage().user + 3e5; while (process.cpuUsage().user < end);']);
  process.stdout.write('ready');
  setInterval(() => {}, 1000);
`;

describe.runIf(process.platform === 'linux')('the process tree', () => {
  it('counts the time of children that have ended, and the memory of those that live', async () => {
    const child = spawn(process.execPath, ['-e', PARENT], { stdio: ['ignore', 'pipe', 'inherit'] });
    const exit = once(child, 'exit');
    try {
      await once(child.stdout, 'data');
      const pid = child.pid ?? 0;
      expect(await cpuSeconds(pid)).toBeGreaterThan(0.3);
      expect(await cpuSeconds(pid)).toBeLessThan(10);
      const [own] = await residentTree(pid);
      expect(own?.name).toBe(basename(process.execPath));
      expect(own?.resident).toBeGreaterThan(10e6);
      expect(await peakResident(pid)).toBeGreaterThanOrEqual(own?.resident ?? 0);
    } finally {
      child.kill();
      await exit;
    }
    expect(await residentTree(child.pid ?? 0)).toEqual([]);
  });
});
