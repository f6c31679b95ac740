import { describe, it } from 'vitest';
import { FAMILIES } from '../support/networks/index.ts';
import { withStatistics } from '../support/networks/statistics.ts';
import { structureTrials } from '../support/networks/structure.ts';

const { requireStructure } = structureTrials();

describe.each(Object.entries(FAMILIES))('a network shaped as %s', (name, build) => {
  it.each([undefined, 16])('folds, quantizes with %s clusters and fuses entirely', async (clusters) => {
    await requireStructure(name, await withStatistics(build()), clusters);
  });
});
