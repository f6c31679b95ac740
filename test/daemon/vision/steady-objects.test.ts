import { describe, expect, it } from 'vitest';
import { SteadyObjects } from '../../../daemon/vision/steady-objects.ts';
import type { TrackedObject } from '../../../daemon/vision/tracker.ts';
import type { Box } from '../../../inference/image.ts';

const ASPECT = 16 / 9;
const seen = (id: number, box: Box, confirmed = true): TrackedObject[] => [
  { id, box, classIndex: 0, score: 0.8, confirmed },
];

/** Numbers of objects by frame, at 10 frames a second. */
function numbersOver(frames: readonly (readonly TrackedObject[])[]): number[] {
  const steady = new SteadyObjects(ASPECT);
  return frames.flatMap((objects, i) => steady.update(objects, i / 10).map(({ object }) => object));
}
const nothing = (frames: number): TrackedObject[][] => Array.from({ length: frames }, () => []);
const during = (frames: number, at: (i: number) => TrackedObject[]): TrackedObject[][] =>
  Array.from({ length: frames }, (_, i) => at(i));

describe('SteadyObjects', () => {
  it('takes up what stood, minutes later, under another id', () => {
    const stands: Box = [0.4, 0.5, 0.1, 0.1];
    const numbers = numbersOver([...during(15, () => seen(1, stands)), ...nothing(1200), ...seen2(stands)]);
    expect(new Set(numbers)).toEqual(new Set([1]));
  });

  it('takes up what moves where it was heading, within two seconds', () => {
    const moving = (i: number): Box => [0.2 + 0.01 * i, 0.5, 0.1, 0.1];
    const goesOn = (hidden: number) => [
      ...during(15, (i) => seen(1, moving(i))),
      ...nothing(hidden),
      ...during(5, (i) => seen(2, moving(15 + hidden + i))),
    ];
    expect(new Set(numbersOver(goesOn(10)))).toEqual(new Set([1]));
    expect(new Set(numbersOver(goesOn(30)))).toEqual(new Set([1, 2]));
  });

  it('takes up what comes out faster than it went in: it started behind a bus that waited', () => {
    const slow = (i: number): Box => [0.2 + 0.01 * i, 0.5, 0.1, 0.1];
    const came = slow(14)[0];
    const fast = (i: number): Box => [came + 0.018 * 10 + 0.02 * i, 0.5, 0.1, 0.1];
    const numbers = numbersOver([
      ...during(15, (i) => seen(1, slow(i))),
      ...nothing(9),
      ...during(5, (i) => seen(2, fast(i))),
    ]);
    expect(new Set(numbers)).toEqual(new Set([1]));
  });

  it('does not take what comes in at an edge for what had left there', () => {
    for (const pause of [5, 15, 60]) {
      const leaving = during(20, (i) => seen(1, [0.85 + 0.0078 * i, 0.5, Math.min(0.1, 0.15 - 0.0078 * i), 0.15]));
      const coming = during(20, (i) => seen(2, [0.995 - 0.0078 * i, 0.5, Math.min(0.1, 0.005 + 0.0078 * i), 0.15]));
      expect(new Set(numbersOver([...leaving, ...nothing(pause), ...coming])), `${pause}`).toEqual(new Set([1, 2]));
    }
  });

  it('does not take anything for a sliver at the edge that was never believed', () => {
    const sliver = seen(1, [0, 0.5, 0.005, 0.15], false);
    expect(numbersOver([sliver, ...nothing(60), seen(2, [0, 0.5, 0.005, 0.15])])).toEqual([1, 2]);
  });
});

const seen2 = (box: Box): TrackedObject[][] => during(5, () => seen(2, box));
