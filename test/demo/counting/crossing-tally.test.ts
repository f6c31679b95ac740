import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CrossingTally, type Passing } from '../../../demo/counting/crossing-tally.ts';

const passing = (at: number, name = 'car'): Passing => ({ line: 'near', direction: 'backward', class: name, at });

/** Frames are analysed every half second over a minute, but for those in the gap. */
function tallied(truth: readonly Passing[], counted: readonly Passing[], gap = { from: -1, to: -1 }) {
  const tally = new CrossingTally([]);
  for (let at = 0; at <= 60_000; at += 500) if (at < gap.from || at > gap.to) tally.seen(at, at + 200);
  for (const each of truth) tally.happened(each);
  for (const each of counted) tally.counted(each);
  return tally.result();
}

describe('crossings beside the truth', () => {
  it('are found within a second, else one is missed and one false; another class is said', () => {
    const truth = [passing(5000), passing(9000), passing(20_000, 'bus')];
    expect(tallied(truth, [passing(5900), passing(10_100), passing(19_500, 'truck')])).toMatchObject({
      counted: 3,
      truth: 3,
      missed: 1,
      false: 1,
      otherClass: 1,
    });
  });

  it('tell lines and directions apart', () => {
    const counted = [{ ...passing(5000), direction: 'forward' as const }];
    expect(tallied([passing(5000)], counted)).toMatchObject({ missed: 1, false: 1 });
  });

  it('are neither missed nor false before an object could be believed, nor while a count may be on its way', () => {
    expect(tallied([passing(1000), passing(59_000)], [passing(1200)])).toMatchObject({
      counted: 0,
      truth: 0,
      missed: 0,
      false: 0,
      undecided: 1,
    });
  });

  it('are neither missed nor false while no frame was seen, and those are told apart', () => {
    const gap = { from: 20_000, to: 25_000 };
    expect(tallied([passing(10_000), passing(22_000)], [passing(10_100), passing(24_500)], gap)).toMatchObject({
      counted: 1,
      truth: 1,
      missed: 0,
      false: 0,
      unseen: 1,
    });
  });

  it('add up: every one is found, missed or false, whatever the order in which they are told', () => {
    const times = fc.array(fc.integer({ min: 3000, max: 50_000 }), { maxLength: 20 });
    fc.assert(
      fc.property(times, times, (truth, counted) => {
        const result = tallied(
          truth.map((at) => passing(at)),
          counted.map((at) => passing(at)),
        );
        expect(result.truth).toBe(truth.length);
        expect(result.counted).toBe(counted.length);
        expect(result.truth - result.missed).toBe(result.counted - result.false);
        const sorted = (all: readonly number[]) => all.toSorted((a, b) => a - b).map((at) => passing(at));
        expect(tallied(sorted(truth), sorted(counted))).toEqual(result);
        // As many pairs as there can be: none of the missed is within a second of one of the false alone.
        expect(
          tallied(
            truth.map((at) => passing(at)),
            truth.map((at) => passing(at + 900)),
          ),
        ).toMatchObject({
          missed: 0,
          false: 0,
        });
      }),
    );
  });
});
