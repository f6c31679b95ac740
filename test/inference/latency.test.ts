import { describe, expect, it, vi } from 'vitest';
import { measureLatency } from '../../inference/latency.ts';
import { openSession } from '../../inference/session.ts';
import { COLOUR_PREPROCESSING, colourClassifierBytes } from '../support/colour-classifier.ts';

describe('measureLatency', () => {
  it('times one image, also of a model with a fixed batch', async () => {
    for (const batch of ['N', 1, 8]) {
      const session = await openSession(colourClassifierBytes({ batch }));
      const started = performance.now();
      const ms = await measureLatency(session, COLOUR_PREPROCESSING, { runs: 20 });
      expect(ms).toBeGreaterThan(0);
      // Half of the runs take as long as their median, or longer.
      expect(ms * (typeof batch === 'number' ? batch : 1)).toBeLessThanOrEqual((performance.now() - started) / 10);
      await session.close();
    }
  });

  it('ends within its budget of runs and time', async () => {
    const session = await openSession(colourClassifierBytes());
    const runs = vi.spyOn(session, 'run');
    await measureLatency(session, COLOUR_PREPROCESSING, { warmUp: 0, runs: 7 });
    expect(runs).toHaveBeenCalledTimes(7);
    await measureLatency(session, COLOUR_PREPROCESSING, { runs: 1e9, budgetMs: 50 }); // of hours
    await measureLatency(session, COLOUR_PREPROCESSING, { warmUp: 0, runs: 1e9, budgetMs: 0 });
    expect(runs.mock.calls.length).toBeLessThan(1e6);
    await session.close();
  });

  it('stops when it is told to', async () => {
    const session = await openSession(colourClassifierBytes());
    const timed = measureLatency(session, COLOUR_PREPROCESSING, { signal: AbortSignal.abort() });
    await expect(timed).rejects.toMatchObject({ name: 'AbortError' });
    await session.close();
  });
});
