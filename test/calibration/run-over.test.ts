import { describe, expect, it } from 'vitest';
import type { Batch } from '../../calibration/batches.ts';
import { observe } from '../../calibration/observe.ts';
import { openToObserve, runOver } from '../../calibration/run-over.ts';
import type { Progress } from '../../core/progress.ts';
import type { Results } from '../../inference/session.ts';
import { COLOUR_PREPROCESSING, colourClassifier, colourImage } from '../support/colour-classifier.ts';
import { madeDataset } from '../support/memory-dataset.ts';

const preprocessing = COLOUR_PREPROCESSING;
const IMAGES = 11;

/** Counts how often each image is read. */
function counted() {
  const reads: number[] = Array(IMAGES).fill(0);
  const dataset = madeDataset(IMAGES, (index) => {
    reads[index]! += 1;
    return { label: index % 3, image: colourImage((index % 3) as 0 | 1 | 2, { seed: index }) };
  });
  return { reads, dataset };
}

const collecting = (values: readonly string[]) => {
  const batches: { readonly count: number; readonly seen: readonly string[]; readonly first: number }[] = [];
  const see = ({ count }: Batch, seen: Results): void => {
    const first = Number(seen[values[0] ?? '']?.data[0]);
    batches.push({ count, seen: Object.keys(seen).toSorted((a, b) => a.localeCompare(b)), first });
  };
  return { values, see, batches };
};

describe('runOver', () => {
  it('shows all observers the same run: every image is read once, the last batch is shorter', async () => {
    const { reads, dataset } = counted();
    const session = await openToObserve(colourClassifier(), ['kept', 'contrast']);
    const observers = [collecting(['kept']), collecting(['image', 'contrast'])];
    await runOver(session, dataset, observers, { preprocessing, batchSize: 4 });
    await session.close();
    expect(reads).toEqual(Array(IMAGES).fill(1));
    for (const { batches } of observers) expect(batches.map(({ count }) => count)).toEqual([4, 4, 3]);
    expect(observers[0]!.batches[0]!.seen).toEqual(['contrast', 'image', 'kept']);
  });

  it('gives the same values whether they are written into the same arrays or not, and whatever the batch', async () => {
    const found: number[][] = [];
    for (const options of [{ batchSize: 1 }, { batchSize: 1, steady: ['contrast'] }]) {
      const session = await openToObserve(colourClassifier(), ['contrast']);
      const observer = collecting(['contrast']);
      await runOver(session, counted().dataset, [observer], { preprocessing, ...options });
      await session.close();
      found.push(observer.batches.map(({ first }) => first));
    }
    expect(new Set(found[0]).size).toBeGreaterThan(1);
    expect(found[1]).toEqual(found[0]);
  });

  it('says how far it is and stops before the next batch', async () => {
    const stop = new AbortController();
    const said: Progress[] = [];
    const session = await openToObserve(colourClassifier(), []);
    const observer = collecting([]);
    const onProgress = (progress: Progress): void => {
      said.push(progress);
      if (progress.done === 8) stop.abort();
    };
    const options = { preprocessing, batchSize: 4, stage: 'looking', signal: stop.signal, onProgress };
    await expect(runOver(session, counted().dataset, [observer], options)).rejects.toThrow('abort');
    await session.close();
    expect(said).toEqual([4, 8].map((done) => ({ stage: 'looking', done, total: IMAGES })));
    expect(observer.batches).toHaveLength(2);
  });

  it('refuses to observe what the model does not make', async () => {
    const options = { preprocessing, values: ['nothing'] };
    await expect(observe(colourClassifier(), counted().dataset, options)).rejects.toMatchObject({
      code: 'CALIBRATION_MISMATCH',
    });
  });
});
