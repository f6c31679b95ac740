import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { afterEach, expect, it } from 'vitest';
import { PACKAGE_ROOT } from '../../core/layout.ts';
import { type Collected, collectRegularly, SMALL_HEAP } from '../../daemon/heap.ts';
import { loadLibc } from '../../daemon/libc.ts';
import { until } from '../support/until.ts';

/** What an entry of type `gc` is; the declarations leave its detail out. */
interface GcEntry extends PerformanceEntry {
  readonly detail: { readonly kind: number; readonly flags: number };
}

/** Asked for, of the whole heap: those that the engine decides on itself do not count. */
let asked = 0;
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { kind, flags } = (entry as GcEntry).detail;
    const forced = (flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0;
    if (forced && kind === constants.NODE_PERFORMANCE_GC_MAJOR) asked++;
  }
});
let end: (() => void) | undefined;
afterEach(() => {
  end?.();
  observer.disconnect();
});

it('marks the whole heap at the first look, and then whenever it has grown, and else leaves the daemon alone', async () => {
  observer.observe({ entryTypes: ['gc'] });
  const did: Collected[] = [];
  end = collectRegularly(50, (what) => did.push(what));
  await until('the first look', () => did.length > 0);
  expect(did[0]).toBe('marked');
  await until('looks at a heap that does not grow', () => did.slice(-5).every((what) => what === 'nothing'));
  const [before, seen] = [asked, did.length];
  await until('more of them', () => did.length >= seen + 5);
  expect(new Set(did.slice(seen))).toEqual(new Set(['nothing']));
  expect(asked).toBe(before);
  const grown = Array.from({ length: 200_000 }, (_, i) => ({ i, pair: [i, `${i}`] }));
  await until('it to be marked again', () => did.slice(seen).includes('marked'));
  expect(grown).toHaveLength(200_000);
});

const MB = 2 ** 20;

/** What the old generation takes beyond what is in use. */
const unused = (): number => {
  const old = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space');
  return (old?.space_size ?? Number.NaN) - (old?.space_used_size ?? Number.NaN);
};

it('packs what is alive: one object of a hundred holds no page', async () => {
  // All live for long enough to leave the young generation, then most die at once.
  const many = Array.from({ length: 500_000 }, (_, i) => ({ i, pair: [i, `${i}`] }));
  const alive = many.filter((_, i) => i % 100 === 0);
  many.length = 0;
  const free: number[] = [];
  end = collectRegularly(200, () => free.push(unused()));
  // The first look marks. What comes next has been packed, or, where the engine did so on a busy machine before, is the second look.
  await until('what is free to be given back', () => free.length >= 2);
  expect(free[1]).toBeLessThan(4 * MB);
  expect(alive).toHaveLength(5000);
});

const [BYTES, COUNT] = [65_536, 1500];

it.skipIf(loadLibc() === null)('gives back what is free between what is in use', async () => {
  let buffers = Array.from({ length: COUNT }, (_, i) => Buffer.allocUnsafeSlow(BYTES).fill(i));
  const full = process.memoryUsage.rss();
  buffers = buffers.filter((_, i) => i % 100 === 99);
  end = collectRegularly(50);
  await until('most of it to be given back', () => process.memoryUsage.rss() < full - 60 * MB);
  expect(buffers.every((buffer, i) => buffer[0] === (100 * i + 99) % 256)).toBe(true);
});

it('is as small on a box as its inference process', async () => {
  const script = await readFile(join(PACKAGE_ROOT, 'systemd/package/wayside.sh'), 'utf8');
  expect(script).toContain(`/bin/node ${SMALL_HEAP} `);
});
