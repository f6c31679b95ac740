import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import { calibrateFactor, crossEntropy, type Scored } from '../../../demo/classifier/temperature.ts';
import { softmax } from '../../../inference/scores.ts';

describe('the temperature', () => {
  it('recovers the factor by which labels were drawn', () => {
    const random = seededRandom(7);
    const scored = Array.from({ length: 6000 }, (): Scored => {
      const scores = Array.from({ length: 4 }, () => random.next());
      const chances = softmax(scores.map((score) => 6 * score));
      let left = random.next();
      const label = chances.findIndex((chance) => {
        left -= chance;
        return left < 0;
      });
      return { scores, label: Math.max(0, label) };
    });
    const factor = calibrateFactor(scored);
    expect(factor).toBeGreaterThan(5.4);
    expect(factor).toBeLessThan(6.6);
    for (const other of [0.8, 1.25])
      expect(crossEntropy(scored, factor)).toBeLessThan(crossEntropy(scored, factor * other));
  });
});
