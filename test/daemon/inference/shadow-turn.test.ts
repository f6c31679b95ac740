import { describe, expect, it } from 'vitest';
import { ShadowTurn } from '../../../daemon/inference/shadow-turn.ts';

describe('the turn of a model that shadows', () => {
  it('is for the latest frame; the one before is let go', () => {
    const turn = new ShadowTurn<number>();
    expect([turn.offer(1), turn.offer(2), turn.offer(3)]).toEqual([undefined, 1, 2]);
    expect(turn.take(0, false)).toBe(3);
    expect(turn.take(0, false)).toBeUndefined();
    turn.offer(4);
    expect([turn.clear(), turn.waiting, turn.clear()]).toEqual([4, undefined, undefined]);
  });

  it('comes at once while the model that answers has pauses', () => {
    const turn = new ShadowTurn<number>();
    turn.offer(1);
    expect(turn.take(0, true)).toBe(1);
    turn.done(20);
    turn.offer(2);
    expect(turn.take(20, false)).toBe(2);
  });

  it('takes a tenth of the time at most while it has none', () => {
    const turn = new ShadowTurn<number>();
    let [worked, now] = [0, 0];
    for (let frame = 0; now < 10_000; now++) {
      turn.offer(frame++);
      if (turn.take(now, true) === undefined) continue;
      worked += 8;
      now += 8;
      turn.done(now);
    }
    expect(worked / now).toBeLessThanOrEqual(0.11);
    expect(worked / now).toBeGreaterThan(0.08);
  });
});
