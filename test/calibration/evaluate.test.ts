import { describe, expect, it } from 'vitest';
import type { Dataset } from '../../calibration/dataset.ts';
import { type EvaluateOptions, evaluate } from '../../calibration/evaluate.ts';
import { openSession } from '../../inference/session.ts';
import type { Dimension } from '../../onnx/graph.ts';
import { COLOUR_PREPROCESSING, colourClassifierBytes, colourImage } from '../support/colour-classifier.ts';
import { collectGarbage } from '../support/garbage.ts';
import { madeDataset } from '../support/memory-dataset.ts';

/** Images of each colour in turn; every seventh is labelled wrongly. */
const dataset = madeDataset(50, (index) => {
  const colour = (index % 3) as 0 | 1 | 2;
  return { label: index % 7 === 6 ? (colour + 1) % 3 : colour, image: colourImage(colour, { seed: index }) };
});

async function run(data: Dataset, options: Partial<EvaluateOptions> = {}, batch: Dimension = 'N') {
  const session = await openSession(colourClassifierBytes({ batch }));
  try {
    return await evaluate(session, data, { preprocessing: COLOUR_PREPROCESSING, ...options });
  } finally {
    await session.close();
  }
}

describe('evaluate', () => {
  it('counts right answers, and which class was taken for which', async () => {
    const { top1, top5, samples, confusion } = await run(dataset);
    expect([samples, top1, top5]).toEqual([50, 43 / 50, 1]);
    expect(confusion.classes).toBe(3);
    expect(confusion.counts.reduce((a, b) => a + b, 0)).toBe(50);
    const right = [0, 1, 2].reduce((sum, i) => sum + confusion.counts[i * 3 + i]!, 0);
    expect(right).toBe(43);
    expect([confusion.counts[0 * 3 + 1], confusion.counts[1 * 3 + 2]]).toEqual([0, 0]);
  });

  it('gives the same whatever the batch, open or fixed, also where it does not divide the set', async () => {
    const expected = await run(dataset);
    for (const batchSize of [1, 7, 64]) expect(await run(dataset, { batchSize })).toEqual(expected);
    for (const batch of [1, 4]) expect(await run(dataset, {}, batch)).toEqual(expected);
  });

  it('spreads a limit over the set and tells each outcome', async () => {
    const ids: string[] = [];
    const { samples } = await run(dataset, { limit: 5, onOutcome: ({ id }) => ids.push(id) });
    expect(samples).toBe(5);
    expect(ids).toEqual(['#0', '#10', '#20', '#30', '#40']);
    expect((await run(dataset, { limit: 1000 })).samples).toBe(50);
  });

  it('reports how far it is', async () => {
    const seen: number[] = [];
    await run(dataset, { batchSize: 20, onProgress: ({ done, total }) => seen.push(done, total ?? 0) });
    expect(seen).toEqual([20, 50, 40, 50, 50, 50]);
  });

  it('stops between batches when it is told to', async () => {
    const controller = new AbortController();
    const stopped = run(dataset, { batchSize: 10, signal: controller.signal, onProgress: () => controller.abort() });
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('refuses labels beyond the classes of the model, and preprocessing of another size', async () => {
    const foreign = madeDataset(1, () => ({ label: 3, image: colourImage(0) }));
    await expect(run(foreign)).rejects.toMatchObject({ code: 'DATASET_INVALID' });
    const preprocessing = { ...COLOUR_PREPROCESSING, size: [9, 9] } as const;
    await expect(run(dataset, { preprocessing })).rejects.toMatchObject({ code: 'PREPROCESS_MISMATCH' });
  });

  it('counts an answer that is not a number as wrong', async () => {
    const session = await openSession(colourClassifierBytes({ gain: Number.NaN }));
    const { top1, top5 } = await evaluate(session, dataset, { preprocessing: COLOUR_PREPROCESSING });
    await session.close();
    expect([top1, top5]).toEqual([0, 0]);
  });

  it('holds one batch of images at a time, whatever the size of the set', async () => {
    const image = colourImage(1, { width: 40, height: 30 });
    const made: WeakRef<Uint8Array>[] = [];
    const held: number[] = [];
    let answered = 0;
    let mostWaiting = 0;
    const large = madeDataset(600, (index) => {
      if (index % 100 === 99) {
        collectGarbage();
        held.push(made.filter((each) => each.deref() !== undefined).length);
      }
      const data = image.data.slice();
      made.push(new WeakRef(data));
      mostWaiting = Math.max(mostWaiting, made.length - answered);
      return { label: 1, image: { ...image, data } };
    });
    await run(large, { batchSize: 16, onOutcome: () => answered++ });
    expect([made.length, answered, held.length]).toEqual([600, 600, 6]);
    expect(mostWaiting).toBeLessThanOrEqual(16);
    // The batch that is being gathered, and the one before it where the engine has not let go of it yet.
    expect(Math.max(...held)).toBeLessThanOrEqual(32);
  });
});
