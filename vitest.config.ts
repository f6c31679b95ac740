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
          // Ends what hangs. A busy machine must not decide a test: the longest takes 20 s on two idle processors.
          testTimeout: 90_000,
          hookTimeout: 90_000,
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
