import { describe, expect, it } from 'vitest';
import { imagesToLookAt } from '../../calibration/batches.ts';

describe('images a run', () => {
  it.each([
    [32, 16],
    [79, 16],
    [112, 8],
    [224, 2],
    [227, 1],
    [640, 1],
  ])('of %i pixels a side are %i: a signal waits for the run to end', (side, count) => {
    expect(imagesToLookAt([side, side])).toBe(count);
  });
});
