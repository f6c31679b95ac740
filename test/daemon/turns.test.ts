import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Turns } from '../../daemon/turns.ts';

const self = (id: string): string => id;

describe('Turns', () => {
  it('serves a slow camera as often as it has something, beside one that always has', () => {
    const turns = new Turns();
    for (const id of ['fast', 'slow']) turns.add(id);
    const served: string[] = [];
    for (let round = 0; round < 9; round++) {
      turns.offer('fast', round);
      if (round % 3 === 0) turns.offer('slow', round);
      served.push(turns.next(self) ?? 'nobody');
    }
    expect(served.filter((id) => id === 'slow')).toHaveLength(3);
  });

  it('lets nobody wait longer than there are others, whoever offers when', () => {
    const offers = fc.array(fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 4 }), { maxLength: 60 });
    fc.assert(
      fc.property(offers, (rounds) => {
        const turns = new Turns();
        for (const id of ['a', 'b', 'c', 'd']) turns.add(id);
        const waited = new Map<string, number>();
        for (const offered of rounds) {
          for (const id of offered) {
            turns.offer(id, 0);
            if (!waited.has(id)) waited.set(id, 0);
          }
          const served = turns.next(self);
          if (served !== undefined) waited.delete(served);
          for (const [id, rounds] of waited) {
            expect(rounds + 1).toBeLessThanOrEqual(4);
            waited.set(id, rounds + 1);
          }
        }
      }),
    );
  });

  it('passes the turn on when what waited is gone', () => {
    const turns = new Turns();
    turns.add('a');
    turns.add('b');
    turns.offer('a', 1);
    turns.offer('b', 2);
    expect(turns.next((id) => (id === 'b' ? undefined : id))).toBe('a');
    expect(turns.waitingSince()).toBeUndefined();
  });

  it('knows since when the longest has waited, and forgets who left', () => {
    const turns = new Turns();
    turns.add('a');
    turns.add('b');
    turns.offer('b', 5);
    turns.offer('a', 7);
    turns.offer('b', 9);
    expect(turns.waitingSince()).toBe(5);
    turns.remove('b');
    expect(turns.waitingSince()).toBe(7);
  });
});
