import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { growthPerHour, sampleTree, seriesOf, windowMinima } from '../../bench/harness/soak/samples.ts';

/** A heap that fills and is collected every four minutes, above a floor that rises by `perHour`; a sample every 10 s. */
const sawtooth = (minutes: number, perHour: number) =>
  Array.from({ length: minutes * 6 + 1 }, (_, i) => [i / 6, 80 + (perHour * i) / 360 + 5 * ((i % 24) / 24)] as const);

test('growth is that of what is held, not of what waits to be collected', () => {
  expect(growthPerHour(sawtooth(75, 0), 5)).toBeCloseTo(0, 1);
  expect(growthPerHour(sawtooth(75, 6), 5)).toBeCloseTo(6, 0);
  expect(growthPerHour(sawtooth(75, -3), 5)).toBeCloseTo(-3, 0);
  expect(growthPerHour(sawtooth(5, 6), 5)).toBeNaN();
});

test('a window that is not full does not count', () => {
  const series = [0, 1, 2, 3, 4, 5, 6].map((minute) => [minute, 10 - minute] as const);
  expect(windowMinima(series, 3)).toEqual([
    [1.5, 8],
    [4.5, 5],
  ]);
});

test.runIf(process.platform === 'linux')(
  'every process of a tree is seen with its memory and descriptors, until told to end',
  async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log()'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // Started is not running: before Node has begun, a process holds what its parent gave it.
    await once(child.stdout, 'data');
    const stop = new AbortController();
    try {
      const sampling = sampleTree(child.pid ?? 0, 20, stop.signal);
      stop.abort();
      const samples = await sampling;
      const [first] = samples;
      expect(first?.processes).toHaveLength(1);
      const own = seriesOf(samples, ({ processes }) => processes.find(({ role }) => role === 'supervisor')?.resident);
      expect(own[0]?.[1]).toBeGreaterThan(10e6);
      expect(first?.processes[0]?.proportional).toBeGreaterThan(1e6);
      expect(first?.processes[0]?.descriptors).toBeGreaterThan(3);
    } finally {
      child.kill();
      await once(child, 'exit');
    }
  },
);
