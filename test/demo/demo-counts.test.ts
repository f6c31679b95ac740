import { expect, it } from 'vitest';
import { countFaults } from '../support/demo-counts.ts';

it.each<[string, [counted: number, truth: number, missed: number, wrong: number, unseen: number], number, number]>([
  ['all found', [5, 5, 0, 0, 0], 12, 0],
  ['some missed, some false', [4, 5, 2, 1, 0], 12, 0],
  ['all in gaps', [0, 0, 0, 0, 4], 12, 0],
  ['two left beside gaps, both missed', [0, 2, 2, 0, 3], 12, 0],
  ['three left beside gaps, all missed', [0, 3, 3, 0, 3], 12, 1],
  ['one without any gap, missed', [0, 1, 1, 0, 0], 12, 1],
  ['all missed at three frames a second', [0, 5, 5, 0, 0], 3, 0],
  ['an empty street', [0, 0, 0, 0, 0], 3, 1],
  ['figures that do not add up, at any rate', [5, 5, 1, 0, 2], 3, 1],
])('the counts of a run: %s', (_name, [counted, truth, missed, wrong, unseen], rate, faults) => {
  const counts = { counted, truth, missed, false: wrong, unseen };
  expect(countFaults({ frames: 10 * rate, seconds: 14, firstDetectionSeconds: 4, counts })).toHaveLength(faults);
});
