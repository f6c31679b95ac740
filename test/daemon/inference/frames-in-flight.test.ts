import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramesInFlight } from '../../../daemon/inference/frames-in-flight.ts';

const step = fc.oneof(
  fc.record({ does: fc.constant('submit' as const), owner: fc.nat(2) }),
  fc.record({ does: fc.constant('answer' as const), owner: fc.nat(2), id: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ does: fc.constant('end' as const), owner: fc.nat(2) }),
);

describe('FramesInFlight', () => {
  it('lets every frame out once: answered by the process that has it, or lost with it', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const frames = new FramesInFlight<number, { owner: number; at: number }>();
        const out: object[] = [];
        const handed: object[] = [];
        for (const [at, each] of steps.entries()) {
          if (each.does === 'submit') {
            const frame = { owner: each.owner, at };
            handed.push(frame);
            expect(frames.submitted(each.owner, frame, at)).toBe(handed.length);
          } else if (each.does === 'answer') {
            const frame = frames.answered(each.owner, each.id);
            if (frame === undefined) continue;
            expect(frame).toBe(handed[each.id - 1]);
            expect(frame.owner).toBe(each.owner);
            out.push(frame);
          } else {
            const lost = frames.lost(each.owner);
            for (const frame of lost) expect(frame.owner).toBe(each.owner);
            out.push(...lost);
            expect(frames.owedSince(each.owner)).toBeUndefined();
          }
        }
        for (const owner of [0, 1, 2]) out.push(...frames.lost(owner));
        expect(new Set(out)).toEqual(new Set(handed));
        expect(out).toHaveLength(handed.length);
      }),
    );
  });

  it('tells how long the oldest answer has been owed, by each process for itself', () => {
    const frames = new FramesInFlight<string, string>();
    expect(frames.owedSince('old')).toBeUndefined();
    const first = frames.submitted('old', 'a', 10);
    frames.submitted('new', 'b', 20);
    frames.submitted('old', 'c', 30);
    expect([frames.owedSince('old'), frames.owedSince('new')]).toEqual([10, 20]);
    expect(frames.answered('new', first)).toBeUndefined();
    expect(frames.answered('old', first)).toBe('a');
    expect([frames.owedSince('old'), frames.owedSince('new')]).toEqual([30, 20]);
  });
});
