import { describe, expect, it } from 'vitest';
import { countAccuracy, geh, nwRmse } from '../../../cli/count/accuracy.ts';
import type { HandCrossing } from '../../../cli/count/hand-count.ts';
import type { Crossing } from '../../../daemon/vision/line-counter.ts';

const classes = ['car', 'truck'];
const counted = (time: number, classIndex = 0, direction: Crossing['direction'] = 'forward'): Crossing => ({
  line: 'road',
  direction,
  object: 1,
  track: 1,
  time,
  classIndex,
  along: 0.5,
});
const byHand = (t: number | null, more: Partial<HandCrossing> = {}): HandCrossing => ({
  line: 'road',
  direction: 'forward',
  class: 'car',
  t,
  contested: false,
  classAlternatives: [],
  ...more,
});
const compare = (crossings: readonly Crossing[], truth: readonly HandCrossing[], seconds = 60) =>
  countAccuracy(crossings, truth, { classes, seconds });

describe('countAccuracy', () => {
  it('pairs what lies within a second, as much of it as can be', () => {
    // 1.9 is nearer to 2.0, but then 2.8 would have nobody.
    const found = compare([counted(1.1), counted(1.9)], [byHand(2.0), byHand(2.8)]);
    expect(found).toMatchObject({ matched: 2, missed: 0, false: 0, error: 0 });
    expect(compare([counted(1)], [byHand(2.1)])).toMatchObject({ matched: 0, missed: 1, false: 1, error: 2 });
  });

  it('keeps lines and directions apart', () => {
    expect(compare([counted(2, 0, 'backward')], [byHand(2)])).toMatchObject({ missed: 1, false: 1 });
  });

  it('takes a contested crossing for neither missed nor false', () => {
    const contested = byHand(5, { contested: true });
    for (const crossings of [[], [counted(5)]])
      expect(compare(crossings, [contested])).toMatchObject({
        truth: 0,
        contested: 1,
        missed: 0,
        false: 0,
        error: null,
      });
  });

  it('tells a wrong class from a missed crossing, and takes alternatives for right', () => {
    expect(compare([counted(2, 1)], [byHand(2)])).toMatchObject({ missed: 0, false: 0, wrongClass: 1 });
    expect(compare([counted(2)], [byHand(2, { class: 'truck', classAlternatives: ['car'] })])).toMatchObject({
      wrongClass: 0,
    });
  });

  it('compares numbers alone where no time is known', () => {
    expect(compare([counted(3), counted(50)], [byHand(null), byHand(null), byHand(null)])).toMatchObject({
      matched: 2,
      missed: 1,
      false: 0,
    });
  });

  it('says by class what was missed, false and taken for another', () => {
    const { classes: found } = compare(
      [counted(1), counted(2, 1), counted(9, 1), counted(20), counted(30, 1)],
      [
        byHand(1),
        byHand(2),
        byHand(5),
        byHand(9, { class: 'truck' }),
        byHand(20, { contested: true }),
        byHand(30, { classAlternatives: ['truck'] }),
      ],
    );
    expect(found).toEqual([
      expect.objectContaining({ class: 'car', truth: 4, counted: 2, missed: 1, false: 0, wrongClass: 1, error: 0.5 }),
      expect.objectContaining({ class: 'truck', truth: 1, counted: 2, missed: 0, false: 0, wrongClass: 0, error: 0 }),
    ]);
    expect(found[0]?.sample).toBe(0.5);
  });

  it('lists what was missed and what is false', () => {
    const found = compare([counted(1), counted(8)], [byHand(1), byHand(5)]);
    expect(found.missedCrossings).toEqual([{ line: 'road', direction: 'forward', class: 'car', time: 5 }]);
    expect(found.falseCrossings).toEqual([{ line: 'road', direction: 'forward', class: 'car', time: 8 }]);
  });

  it('gives GEH from 15 minutes on', () => {
    const [crossings, truth] = [
      Array.from({ length: 40 }, (_, i) => counted(i)),
      Array.from({ length: 50 }, (_, i) => byHand(i)),
    ];
    expect(compare(crossings, truth, 899).flows[0]?.geh).toBeNull();
    // 160 against 200 an hour.
    expect(compare(crossings, truth, 900).flows[0]?.geh).toBeCloseTo(Math.sqrt((2 * 40 ** 2) / 360), 10);
    expect(geh(0, 0)).toBe(0);
  });
});

describe('nwRmse', () => {
  it('is 1 for a perfect count, 0 for none, and null where nothing crossed', () => {
    expect(nwRmse([1, 2, 3], [1, 2, 3], 10)).toBe(1);
    expect(nwRmse([], [0, 0, 0], 10)).toBe(0);
    expect(nwRmse([1], [], 10)).toBeNull();
  });

  it('weighs late segments more', () => {
    // One of two counted; the one that is missing comes in the first or in the last of 20 segments.
    expect(nwRmse([19.5], [0, 19.5], 20)).toBeCloseTo(1 - Math.sqrt(1) / 2, 10);
    expect(nwRmse([0], [0, 19.5], 20)).toBeCloseTo(1 - Math.sqrt(40 / 420) / 2, 10);
  });
});
