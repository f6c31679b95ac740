import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { afterEach, expect, it } from 'vitest';
import { collectRegularly } from '../../daemon/heap.ts';
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

it('marks the whole heap again and again, however little it has grown', async () => {
  observer.observe({ entryTypes: ['gc'] });
  expect(asked).toBe(0);
  end = collectRegularly(50);
  await until('three collections', () => asked >= 3);
});
