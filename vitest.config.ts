import { defineConfig } from 'vitest/config';
import { ClosingReporter } from './test/support/reporter.ts';

/**
 * Two projects in one run, the quick one first: `fast` spreads its files over the processors, `slow` (real brokers, RTSP,
 * whole compressions) runs one file at a time, because it measures time and takes ports.
 */
export default defineConfig({
  test: {
    reporters: [new ClosingReporter()],
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.slow.test.ts'],
          pool: 'forks',
          testTimeout: 20_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'slow',
          include: ['test/**/*.slow.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
