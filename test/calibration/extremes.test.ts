import { describe, expect, it } from 'vitest';
import { canReduce, observeExtremes } from '../../calibration/extremes.ts';
import { observe } from '../../calibration/observe.ts';
import { upgradeOpset } from '../../onnx/opset.ts';
import { COLOUR_PREPROCESSING, colourClassifier, colourImage } from '../support/colour-classifier.ts';
import { madeDataset } from '../support/memory-dataset.ts';

const VALUES = ['image', 'contrast', 'kept', 'flat', 'scores'];
const dataset = madeDataset(37, (index) => ({
  label: 0,
  image: colourImage((index % 3) as 0 | 1 | 2, { seed: index }),
}));
const options = { preprocessing: COLOUR_PREPROCESSING, values: VALUES };

describe('observeExtremes', () => {
  it.each([colourClassifier(), upgradeOpset(colourClassifier(), 18)])(
    'sees what observe sees: the same extremes to the bit, the same moments to 1e-5',
    async (model) => {
      const observed = await observe(model, dataset, options);
      const extremes = await observeExtremes(model, dataset, options);
      expect([...extremes.keys()]).toEqual(VALUES);
      for (const [name, { histogram, channels }] of observed) {
        const found = extremes.get(name)!;
        expect([found.min, found.max]).toEqual([histogram.min, histogram.max]);
        expect(found.means).toHaveLength(channels.means().length);
        channels.means().forEach((value, i) => {
          expect(found.means[i]).toBeCloseTo(value, 5);
        });
        channels.meanSquares().forEach((value, i) => {
          expect(found.meanSquares[i]).toBeCloseTo(value, 5);
        });
      }
    },
  );

  it('leaves models of a fixed larger batch to observe: repeated rows would count twice', () => {
    const model = colourClassifier();
    const [input] = model.graph.inputs;
    const fixedTo = (batch: number) => ({
      ...model,
      graph: { ...model.graph, inputs: [{ ...input!, shape: [batch, ...(input!.shape ?? []).slice(1)] }] },
    });
    expect([model, fixedTo(1), fixedTo(2)].map(canReduce)).toEqual([true, true, false]);
  });
});
