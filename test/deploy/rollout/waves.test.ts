import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RolloutMessage } from '../../../contract/messages/rollout.ts';
import { jobAfter } from '../../../deploy/rollout/jobs.ts';
import { precedes } from '../../../deploy/rollout/precedence.ts';
import { boxesAfter, parseWaves, rankOf, upTo } from '../../../deploy/rollout/waves.ts';

describe('waves', () => {
  it('are canary, counts, shares and all', () => {
    expect(parseWaves('canary, 5%,25%,all')).toEqual(['canary', '5%', '25%', 'all']);
    expect(['canary', '7', '0.1%', '5%', 'all'].map((wave) => boxesAfter(wave, 200))).toEqual([1, 7, 1, 10, 200]);
    expect(boxesAfter('7', 3)).toBe(3);
  });

  it.each(['', 'some', '5%,5%', '25%,5%', 'all,5%', '10,canary', '-5%', '101%', '0'])('refuses %j', (text) => {
    expect(() => parseWaves(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
  });

  it('hold as many boxes as they say, whatever the boxes are called', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 99 }),
        (ids, share) => {
          const ranks = ids.map((id) => rankOf('r', id));
          const bound = upTo(`${share}%`, ranks);
          expect(ranks.filter((rank) => rank <= bound)).toHaveLength(
            Math.max(1, Math.ceil((share / 100) * ids.length)),
          );
        },
      ),
    );
  });

  it('draw another canary for another rollout', () => {
    const boxes = Array.from({ length: 50 }, (_, index) => `box-${index}`);
    const canary = (rollout: string) => boxes.toSorted((a, b) => rankOf(rollout, a) - rankOf(rollout, b))[0];
    expect(new Set(Array.from({ length: 20 }, (_, index) => canary(`r${index}`))).size).toBeGreaterThan(5);
  });
});

describe('job numbers', () => {
  it('rise over everything that is known, and over the clock where nothing is', () => {
    expect(jobAfter(0, 1_800_000_000_000)).toBe(1_800_000_000);
    expect(jobAfter(1_900_000_000, 1_800_000_000_000)).toBe(1_900_000_001);
  });
});

describe('which record of a site holds', () => {
  const record = fc
    .record({
      revision: fc.integer({ min: 0, max: 3 }),
      changedBy: fc.constantFrom('operator', 'driver'),
      id: fc.constantFrom('a', 'b', 'c'),
      seq: fc.integer({ min: 0, max: 3 }),
    })
    .map(({ id, ...rest }) => ({ ...rest, office: { id, name: id } }) as RolloutMessage);

  it('is the same in whatever order they are heard', () => {
    const held = (records: readonly RolloutMessage[]) =>
      records.reduce((best, each) => (precedes(each, best) ? each : best));
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 8 }), fc.infiniteStream(fc.nat()), (records, keys) => {
        const shuffled = records.map((each) => ({ each, key: keys.next().value ?? 0 })).sort((a, b) => a.key - b.key);
        expect(held(shuffled.map(({ each }) => each))).toEqual(held(records));
      }),
    );
  });
});
