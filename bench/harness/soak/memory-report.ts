/**
 * Loaded into the daemon before anything else (`--import`): writes down what its heap holds, where a benchmark asks for it. The daemon
 * collects all garbage every minute, so that the least of each five minutes is what is alive.
 */
import { appendFileSync } from 'node:fs';
import { getHeapStatistics } from 'node:v8';

/** One look at a process, bytes. */
export interface HeapLook {
  /** ms since the epoch. */
  readonly at: number;
  readonly heapUsed: number;
  readonly heapTotal: number;
  /** Buffers and whatever else objects hold outside of the heap. */
  readonly external: number;
  /** What V8 itself has taken from malloc. */
  readonly malloced: number;
}

/** Names the file in the environment of the process. */
export const REPORT_VARIABLE = 'WAYSIDE_BENCH_MEMORY';
const EVERY_MS = 10_000;

const path = process.env[REPORT_VARIABLE];
if (path !== undefined)
  setInterval(() => {
    const { heapUsed, heapTotal, external } = process.memoryUsage();
    const { malloced_memory: malloced } = getHeapStatistics();
    const look: HeapLook = { at: Date.now(), heapUsed, heapTotal, external, malloced };
    appendFileSync(path, `${JSON.stringify(look)}\n`);
  }, EVERY_MS).unref();
