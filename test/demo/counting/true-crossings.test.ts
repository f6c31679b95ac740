import { expect, it } from 'vitest';
import { TrueCrossings } from '../../../demo/counting/true-crossings.ts';
import { countingLines, sceneCrossings } from '../../../demo/scene/crossings.ts';
import { createLens } from '../../../demo/scene/lens.ts';
import { FPS } from '../../../demo/scene/street.ts';

const SEED = 17;
const BEGAN = 1_700_000_000_000;

it('what passes while frames are sent is what passes in the scene, at the times of its frames', () => {
  const truth = new TrueCrossings(SEED);
  const sentAt = (index: number): number => BEGAN + (index * 1000) / FPS;
  const told = Array.from({ length: 24 * FPS + 1 }, (_, index) => truth.sent(index, sentAt(index))).flat();
  const lens = createLens(SEED);
  const expected = sceneCrossings(SEED, lens, countingLines(lens), { from: 0, to: 24 });
  expect(expected.length).toBeGreaterThan(5);
  const flows = (all: readonly { line: string; direction: string; class: string }[]) =>
    all.map((each) => `${each.line} ${each.direction} ${each.class}`).toSorted((a, b) => a.localeCompare(b));
  expect(flows(told)).toEqual(flows(expected));
  const times = (all: readonly number[]): number[] => all.toSorted((a, b) => a - b).map(Math.round);
  expect(times(told.map(({ at }) => at - BEGAN))).toEqual(times(expected.map(({ t }) => 1000 * t)));
});

it('a scene that stood still because frames were late has its crossings late', () => {
  const [early, late] = [new TrueCrossings(SEED), new TrueCrossings(SEED)];
  const at = (index: number): number => BEGAN + (index * 1000) / FPS;
  const first = Array.from({ length: 24 * FPS + 1 }, (_, i) => early.sent(i, at(i))).flat();
  const second = Array.from({ length: 24 * FPS + 1 }, (_, i) => late.sent(i, at(i) + 5000)).flat();
  expect(second.map((each) => each.at)).toEqual(first.map((each) => each.at + 5000));
});
