import type { Dataset, Sample } from '../../calibration/dataset.ts';
import { digestOf } from '../../core/hash.ts';

/** A data set made on the fly: image `i` is what `make` gives, never more than one at a time. */
export function madeDataset(size: number, make: (index: number) => Omit<Sample, 'id'>, name = 'made'): Dataset {
  return {
    name,
    split: 'test',
    size,
    classes: undefined,
    digest: () => Promise.resolve(digestOf(`${name} ${size}`)),
    async *samples(indices) {
      for (const index of indices ?? Array(size).keys()) yield { id: `#${index}`, ...make(index) };
    },
  };
}
