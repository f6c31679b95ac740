import { describe, expect, it } from 'vitest';
import { picturesToLookAt } from '../../calibration/batches.ts';

describe('pictures a run', () => {
  it.each([
    [32, 16],
    [79, 16],
    [112, 8],
    [224, 2],
    [227, 1],
    [640, 1],
  ])('of %i pixels a side are %i: a signal waits for the run to end', (side, count) => {
    expect(picturesToLookAt([side, side])).toBe(count);
  });
});
