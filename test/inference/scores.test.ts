import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argMax, labelOf, probabilities, softmax, topK } from '../../inference/scores.ts';

const scores = fc.array(fc.float({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 60 });

describe('scores', () => {
  it('turns logits into probabilities that keep their order and do not care for an offset', () => {
    fc.assert(
      fc.property(scores, fc.integer({ min: -1000, max: 1000 }), (logits, offset) => {
        const p = softmax(logits);
        expect(p.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 4);
        const moved = softmax(logits.map((logit) => logit + offset));
        p.forEach((value, i) => {
          expect(moved[i]).toBeCloseTo(value, 4);
        });
      }),
    );
  });

  it('ranks as a full sort does, the lower index first among equals', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 8 }),
        (values, k) => {
          const sorted = values
            .map((score, index) => ({ index, score }))
            .sort((a, b) => b.score - a.score || a.index - b.index);
          expect(topK(values, k)).toEqual(sorted.slice(0, k));
          if (values.length > 0) expect(argMax(values)).toBe(sorted[0]?.index);
        },
      ),
    );
  });

  it('leaves probabilities alone', () => {
    const already = Float32Array.of(0.2, 0.8);
    expect(probabilities(already)).toBe(already);
    expect(probabilities(Float32Array.of(2, -1))[0]).toBeCloseTo(1 / (1 + Math.exp(-3)), 5);
  });

  it('names classes nobody named by their number', () => {
    expect(labelOf(['car'], 0)).toBe('car');
    expect(labelOf(undefined, 17)).toBe('class 17');
  });
});
