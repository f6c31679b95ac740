import { describe, expect, it } from 'vitest';
import { batchesOf } from '../../calibration/batches.ts';
import { exposing } from '../../calibration/exposing.ts';
import { type Observations, observe } from '../../calibration/observe.ts';
import type { Dimension } from '../../onnx/graph.ts';
import { COLOUR_PREPROCESSING, colourClassifier, colourImage } from '../support/colour-classifier.ts';
import { collectGarbage } from '../support/garbage.ts';
import { madeDataset } from '../support/memory-dataset.ts';

const VALUES = ['image', 'contrast', 'kept', 'flat', 'scores'];
const dataset = madeDataset(37, (index) => ({
  label: 0,
  image: colourImage((index % 3) as 0 | 1 | 2, { seed: index }),
}));
const options = { preprocessing: COLOUR_PREPROCESSING, values: VALUES };

/** What the definition of the model says its values are, one image after another. */
async function expected(): Promise<{ contrast: number[][]; flat: number[][] }> {
  const contrast: number[][] = [[], [], []];
  const flat: number[][] = [[], [], []];
  for await (const { tensor } of batchesOf(dataset, COLOUR_PREPROCESSING, 1)) {
    const planes = [0, 1, 2].map((c) => [...tensor.data.subarray(c * 64, (c + 1) * 64)]);
    planes.forEach((plane, c) => {
      const others = planes.filter((_, other) => other !== c);
      const values = plane.map((x, i) => x - 0.5 * others.reduce((sum, other) => sum + other[i]!, 0));
      contrast[c]!.push(...values);
      flat[c]!.push(values.reduce((sum, x) => sum + Math.max(0, x), 0) / 64);
    });
  }
  return { contrast, flat };
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function close(actual: ArrayLike<number> | undefined, wanted: readonly number[]): void {
  expect(actual).toHaveLength(wanted.length);
  wanted.forEach((value, i) => {
    expect(actual?.[i]).toBeCloseTo(value, 5);
  });
}

function summary(observations: Observations) {
  return [...observations].map(([name, { histogram, channels }]) => ({
    name,
    range: [histogram.min, histogram.max],
    counts: [...histogram.counts],
    means: [...channels.means()].map((value) => value.toFixed(9)),
  }));
}

describe('observe', () => {
  it('sees the values that the model computes: range, count and moments a channel', async () => {
    const observations = await observe(colourClassifier(), dataset, options);
    expect([...observations.keys()]).toEqual(VALUES);
    const { contrast, flat } = await expected();
    const seen = observations.get('contrast');
    expect(seen?.histogram.total).toBe(37 * 3 * 64);
    expect(seen?.histogram.min).toBeCloseTo(Math.min(...contrast.flat()), 5);
    expect(seen?.histogram.max).toBeCloseTo(Math.max(...contrast.flat()), 5);
    close(seen?.channels.means(), contrast.map(mean));
    close(
      seen?.channels.meanSquares(),
      contrast.map((values) => mean(values.map((x) => x * x))),
    );
    close(observations.get('flat')?.channels.means(), flat.map(mean));
    const zeros = contrast.flat().filter((x) => x <= 0).length;
    expect(observations.get('kept')?.histogram.zeros).toBe(zeros);
  });

  it('sees the same whatever the batch of the model', async () => {
    const open = summary(await observe(colourClassifier(), dataset, options));
    for (const batch of [1, 5] satisfies Dimension[]) {
      const fixed = summary(await observe(colourClassifier({ batch }), dataset, options));
      expect(fixed.map(({ name, counts }) => [name, counts.reduce((a, b) => a + b, 0)])).toEqual(
        open.map(({ name, counts }) => [name, counts.reduce((a, b) => a + b, 0)]),
      );
      expect(fixed.map(({ means }) => means)).toEqual(open.map(({ means }) => means));
    }
  });

  it('observes only the images it is given', async () => {
    const one = await observe(colourClassifier(), dataset, { ...options, indices: [4, 9] });
    expect(one.get('scores')?.histogram.total).toBe(2 * 3);
  });

  it('refuses a value the model does not have', async () => {
    const unknown = observe(colourClassifier(), dataset, { ...options, values: ['kept', 'lost'] });
    await expect(unknown).rejects.toMatchObject({
      code: 'CALIBRATION_MISMATCH',
      message: expect.stringContaining('lost'),
    });
  });

  it('names the value that is not finite', async () => {
    const exploding = colourClassifier({ gain: 3e38 });
    const bright = madeDataset(2, () => ({ label: 0, image: colourImage(0) }));
    const preprocessing = { ...COLOUR_PREPROCESSING, std: [1e-3, 1e-3, 1e-3] } as const;
    await expect(observe(exploding, bright, { ...options, preprocessing })).rejects.toMatchObject({
      code: 'CALIBRATION_INVALID',
      message: expect.stringMatching(/^scores: /),
    });
  });

  it('leaves the model as it was and adds each output once', () => {
    const model = colourClassifier();
    const exposed = exposing(model, ['image', 'kept', 'scores']);
    expect(model.graph.outputs).toHaveLength(1);
    expect(exposed.graph.outputs.map(({ name }) => name)).toEqual(['scores', 'kept']);
    expect(exposed.graph.initializers).toBe(model.graph.initializers);
  });

  it('needs no more memory for 20,000 images than for 200', { timeout: 60_000 }, async () => {
    const images = [0, 1, 2].map((colour) => colourImage(colour as 0 | 1 | 2));
    const endless = madeDataset(20_000, (index) => ({ label: 0, image: images[index % 3]! }));
    await observe(colourClassifier(), endless, { ...options, indices: [...Array(200).keys()] });
    collectGarbage();
    const before = process.memoryUsage();
    const observations = await observe(colourClassifier(), endless, options);
    expect(observations.get('image')?.histogram.total).toBe(20_000 * 192);
    // The values of these images are 60 MB of floats. Native memory is released some turns after its collection: poll.
    const growth = (): number => {
      collectGarbage();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers;
    };
    await expect.poll(growth).toBeLessThan(10e6);
  });
});
