import type { Dataset } from '../../calibration/dataset.ts';
import { seededRandom } from '../../core/random.ts';
import type { Preprocessing } from '../../inference/preprocess.ts';
import { madeDataset } from '../support/memory-dataset.ts';

/** For the networks of `prune/structures.ts`, which take 8x8 pixels. */
export const preprocessing: Preprocessing = {
  size: [8, 8],
  resize: 'stretch',
  crop: 'none',
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  layout: 'NCHW',
  channels: 'RGB',
};

/** Images of 8x8 pixels drawn at random, each from its own seed. */
export const noiseImages = (count: number): Dataset =>
  madeDataset(count, (index) => {
    const random = seededRandom(index);
    return {
      label: 0,
      image: { width: 8, height: 8, data: Uint8Array.from({ length: 192 }, () => random.below(256)) },
    };
  });
