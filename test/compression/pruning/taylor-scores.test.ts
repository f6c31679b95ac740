import { describe, expect, it } from 'vitest';
import { analyzeChannels } from '../../../compression/pruning/channels/groups.ts';
import { taylorScores } from '../../../compression/pruning/taylor-scores.ts';
import { defaultPreprocessing } from '../../../inference/default-preprocessing.ts';
import { colourImage } from '../../support/colour-classifier.ts';
import { madeDataset } from '../../support/memory-dataset.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';

const model = wideClassifier();
const { groups } = analyzeChannels(model);
const images = (label: (index: number) => number) =>
  madeDataset(70, (index) => ({
    label: label(index),
    image: colourImage((index % 3) as 0 | 1 | 2, { width: 32, height: 32, seed: index }),
  }));
const options = {
  preprocessing: defaultPreprocessing(['N', 3, 32, 32]),
  indices: Array.from({ length: 70 }, (_, i) => i),
  seed: 1,
  threads: 1,
};

describe('Taylor scores over labelled images', () => {
  it('find the three channels of each group that pass the colours on', async () => {
    const seen: number[] = [];
    const onProgress = ({ done }: { readonly done: number }): void => void seen.push(done);
    const scores = await taylorScores(
      model,
      groups,
      images((i) => i % 3),
      { ...options, onProgress },
    );
    expect([...scores.keys()]).toEqual(['conv1.weight', 'conv2.weight']);
    for (const values of scores.values()) {
      const best = [...values.keys()].sort((a, b) => values[b]! - values[a]!).slice(0, 3);
      expect(best.sort()).toEqual([0, 1, 2]);
    }
    expect(seen).toEqual([32, 64]); // whole batches: six images are left over
  });

  it('are the same for the same seed, and depend on the labels', async () => {
    const right = await taylorScores(
      model,
      groups,
      images((i) => i % 3),
      options,
    );
    expect(
      await taylorScores(
        model,
        groups,
        images((i) => i % 3),
        options,
      ),
    ).toEqual(right);
    expect(
      await taylorScores(
        model,
        groups,
        images((i) => (i + 1) % 3),
        options,
      ),
    ).not.toEqual(right);
  });

  it('refuse labels that the model does not know', async () => {
    await expect(
      taylorScores(
        model,
        groups,
        images((i) => i % 4),
        options,
      ),
    ).rejects.toMatchObject({
      code: 'DATASET_INVALID',
      message: expect.stringContaining('of class 3'),
    });
  });
});
