import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { ClosingReporter } from './test/support/reporter.ts';
import { LongestFirst } from './test/support/sequencer.ts';

/** Vitest would leave one processor idle: half of a machine that has two. */
const processors = availableParallelism();
/** Ends what hangs. A busy machine must not decide a test: the longest takes 20 s on two idle processors. */
const HANGS_MS = 300_000;
/** The same for what takes only what others leave of the processors. */
const YIELDING_HANGS_MS = 3 * HANGS_MS;

/**
 * Three projects. `npm test` (`scripts/test.mjs`) runs the first, then the two others beside each other; in one run of Vitest they come
 * one after the other:
 * - `fast` (`*.test.ts`) computes, one file on each processor and one more, for a fifth of the time goes to waiting for other processes;
 * - `slow` (`*.slow.test.ts`: whole compressions, fuzzing, rollouts) takes long, and no clock judges it, so it takes what `waiting`
 *   leaves: one file more than there are processors, for a compression waits a seventh of its time for its latency probe and a rollout
 *   for its boxes nearly all of it;
 * - `waiting` (`*.waiting.test.ts`: cameras, brokers, daemons that fail and recover) takes ports and measures time. Its files wait
 *   for nine tenths of theirs: two on each processor leave half of it idle, so that what they time is theirs.
 */
export default defineConfig({
  // Of each of several runs at once: how long files took the last time, by which they are ordered.
  cacheDir: `node_modules/.vite/${process.env['WAYSIDE_TEST_RUN'] ?? 'all'}`,
  test: {
    reporters: [new ClosingReporter()],
    pool: 'forks',
    // On a machine of others a stall of seconds may fail one of thousands: it is tried once more there, and the report names it.
    retry: process.env['CI'] === undefined ? 0 : 1,
    sequence: { sequencer: LongestFirst },
    // One second is Vitest's own: a busy machine stands still for longer.
    expect: { poll: { timeout: 60_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.slow.test.ts', 'test/**/*.waiting.test.ts'],
          maxWorkers: processors + 1,
          // A process a file spent a third of its time on loading what the file before it had loaded.
          isolate: false,
          setupFiles: ['test/support/seeds.ts'],
          testTimeout: HANGS_MS,
          hookTimeout: HANGS_MS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          include: ['test/**/*.slow.test.ts'],
          maxWorkers: processors + 1,
          testTimeout: YIELDING_HANGS_MS,
          hookTimeout: YIELDING_HANGS_MS,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'waiting',
          include: ['test/**/*.waiting.test.ts'],
          maxWorkers: Math.min(8, 2 * processors),
          testTimeout: HANGS_MS,
          hookTimeout: HANGS_MS,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
