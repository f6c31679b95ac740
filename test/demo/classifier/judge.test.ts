import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrationError } from '../../../demo/classifier/judge.ts';

describe('the calibration error', () => {
  it('is nothing where as many are right as the probabilities say', () => {
    const answers = Array.from({ length: 100 }, (_, i) => ({ probability: 0.75, right: i < 75 }));
    expect(calibrationError(answers)).toBeCloseTo(0, 12);
  });

  it('is the gap of a model that is always as sure, and not cancelled by another that doubts too much', () => {
    const sure = Array.from({ length: 50 }, (_, i) => ({ probability: 0.95, right: i < 25 }));
    const shy = Array.from({ length: 50 }, () => ({ probability: 0.55, right: true }));
    expect(calibrationError(sure)).toBeCloseTo(0.45, 12);
    expect(calibrationError([...sure, ...shy])).toBeCloseTo(0.45, 12);
  });

  it('stays between 0 and 1', () => {
    const answer = fc.record({ probability: fc.double({ min: 0, max: 1, noNaN: true }), right: fc.boolean() });
    fc.assert(
      fc.property(fc.array(answer, { minLength: 1 }), (answers) => {
        const error = calibrationError(answers);
        expect(error).toBeGreaterThanOrEqual(0);
        expect(error).toBeLessThanOrEqual(1);
      }),
    );
  });
});
