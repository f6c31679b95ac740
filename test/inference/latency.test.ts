import { describe, expect, it } from 'vitest';
import { measureLatency } from '../../inference/latency.ts';
import { openSession } from '../../inference/session.ts';
import { COLOUR_PREPROCESSING, colourClassifierBytes } from '../support/colour-classifier.ts';

describe('measureLatency', () => {
  it('times one image, also of a model with a fixed batch', async () => {
    for (const batch of ['N', 1, 8]) {
      const session = await openSession(colourClassifierBytes({ batch }));
      const ms = await measureLatency(session, COLOUR_PREPROCESSING, { runs: 20 });
      expect(ms).toBeGreaterThan(0);
      expect(ms).toBeLessThan(100);
      await session.close();
    }
  });

  it('ends within its budget of runs and time', async () => {
    const session = await openSession(colourClassifierBytes());
    const started = performance.now();
    await measureLatency(session, COLOUR_PREPROCESSING, { runs: 1e9, budgetMs: 50 });
    expect(performance.now() - started).toBeLessThan(5000);
    await session.close();
  });

  it('stops when it is told to', async () => {
    const session = await openSession(colourClassifierBytes());
    const timed = measureLatency(session, COLOUR_PREPROCESSING, { signal: AbortSignal.abort() });
    await expect(timed).rejects.toMatchObject({ name: 'AbortError' });
    await session.close();
  });
});
