import { afterEach, expect, it } from 'vitest';
import { collectRegularly, letHeapGrow } from '../../daemon/heap.ts';
import { until } from '../support/until.ts';

let end: (() => void) | undefined;
afterEach(() => end?.());

/** MB; what is left of the young generation counts little beside the 30 of the test. */
const used = (): number => process.memoryUsage().heapUsed / 1e6;

it('gives back what lived long and died, although the heap is far from its limit', async () => {
  letHeapGrow();
  const before = used();
  let old: unknown[] = Array.from({ length: 500_000 }, (_, i) => ({ i, half: i + 0.5 })); // 30 MB, past the young generation
  expect(old.length).toBe(500_000);
  const full = used();
  expect(full - before).toBeGreaterThan(20);
  old = [];
  end = collectRegularly(50);
  await until('the heap to be as small as before', () => used() - before < (full - before) / 3);
});
