import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDataset } from '../../../calibration/datasets/open.ts';
import { finetuneBy } from '../../../exporter/prune-finetune/finetune-stage.ts';
import { defaultPreprocessing } from '../../../inference/default-preprocessing.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { writeColours } from '../../support/tiny-classifier.ts';
import { wideClassifier } from '../../support/wide-classifier.ts';

const folder = temporaryFolder();

test('a training that made the model worse is not kept', async () => {
  const data = join(folder(), 'data');
  const labels = Array.from({ length: 300 }, (_, i) => i % 3);
  await writeColours(data, labels);
  const train = await openDataset(`cifar10:${data}`, 'train');
  const model = wideClassifier();
  const context = {
    train,
    preprocessing: defaultPreprocessing(['N', 3, 32, 32], {}),
    indices: Array.from({ length: 48 }, (_, i) => i),
    seed: 0,
    threads: 1,
  };
  const ruinous = { epochs: 1, batch: 16, rate: 300, flip: true };
  const tuned = await finetuneBy(model, { model }, ruinous, context, join(folder(), 'checkpoint'));
  expect(tuned).toBe(model);
});
