import { describe, expect, it } from 'vitest';
import { structureTrials } from '../support/networks/structure.ts';
import { CONVERTED_INPUTS, VARIANTS } from '../support/networks/variants.ts';

const { requireStructure, through } = structureTrials({ calibration: 24 });

describe('a network in another form', () => {
  it.each(Object.entries(VARIANTS))('%s: folds, quantizes and fuses entirely', async (name, build) => {
    await requireStructure(name, await build());
  });

  it.each(Object.entries(CONVERTED_INPUTS))('%s: becomes one that takes float planes', async (name, build) => {
    const { result, package: made } = await through(name, await build());
    expect(made.manifest.input.shape.slice(1)).toEqual([3, 64, 64]);
    expect(result.fused.float).toEqual([]);
    expect(made.manifest.preprocessing.std[0]).toBeCloseTo(name.includes('bytes') ? 1 / 255 : 0.229);
  });
});
