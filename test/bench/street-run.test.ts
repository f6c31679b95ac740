import { describe, expect, it } from 'vitest';
import { CONDITIONS, RATES, roundOf } from '../../bench/street/street-run.ts';
import { lightAt } from '../../demo/scene/light.ts';

describe('a round of streets', () => {
  const rounds = Array.from({ length: 20 }, (_, round) => roundOf(round, 60)).flat();

  it('is of every condition at every rate, and no street is looked at twice in all rounds', () => {
    expect(new Set(rounds.map(({ seed }) => seed)).size).toBe(20 * CONDITIONS.length * RATES.length);
    for (const condition of CONDITIONS)
      for (const rate of RATES)
        expect(rounds.filter((each) => each.condition === condition && each.rate === rate)).toHaveLength(20);
  });

  it('has the light of its condition', () => {
    for (const { seed, condition } of rounds) expect(lightAt(seed, 0).dusk).toBe(condition === 'dusk');
  });
});
