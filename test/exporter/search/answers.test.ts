import { expect, it } from 'vitest';
import { observe } from '../../../calibration/observe.ts';
import { PredictionKeeper, predictionsOf } from '../../../exporter/search/predictions.ts';
import { COLOUR_PREPROCESSING, colourClassifier, colourImage } from '../../support/colour-classifier.ts';
import { madeDataset } from '../../support/memory-dataset.ts';

const dataset = madeDataset(23, (index) => ({
  label: index % 3,
  image: colourImage((index % 3) as 0 | 1 | 2, { seed: index }),
}));
const preprocessing = COLOUR_PREPROCESSING;

it('keeps the answers to some of the images that are observed, as asking about those gives them', async () => {
  const model = colourClassifier();
  const indices = [1, 2, 3, 5, 8, 13, 20, 21, 22];
  const asked = [2, 8, 20, 22];
  let keeper: PredictionKeeper | undefined;
  const options = { preprocessing, values: ['kept', 'contrast'], indices };
  await observe(model, dataset, options, (session) => {
    keeper = new PredictionKeeper(session, { outputs: model.graph.outputs.length, indices, only: new Set(asked) });
    return [keeper];
  });
  const expected = await predictionsOf(model, { dataset, indices: asked, preprocessing, threads: 1 });
  expect(keeper?.answers.labels).toEqual(asked.map((image) => image % 3));
  expect(keeper?.answers.labels).toEqual(expected.labels);
  const [kept, wanted] = [keeper?.answers.probabilities ?? [], expected.probabilities];
  expect(kept).toHaveLength(asked.length);
  for (const [i, each] of kept.entries()) {
    expect(each).toHaveLength(wanted[i]!.length);
    for (const [c, value] of each.entries()) expect(value).toBeCloseTo(wanted[i]![c]!, 6);
  }
});
