import { expect, it } from 'vitest';
import {
  type DetectorFault,
  type DetectorShape,
  simulatedDetectorBlocks,
} from '../../bench/harness/trial/detector-streams.ts';
import { simulatedTrial } from '../../bench/harness/trial/outcome.ts';
import { seededRandom } from '../../core/random.ts';
import { autocorrelationTime } from '../../deploy/trial/autocorrelation.ts';
import type { Block } from '../../deploy/trial/block.ts';
import { TrialJudge } from '../../deploy/trial/judge.ts';
import { trialLimits } from '../../deploy/trial/limits.ts';

const SHAPE: DetectorShape = { shares: [0.6, 0.4], frames: 10, missed: 0.03, places: 3, lines: 2 };
const BLOCKS = 3000;

function made(fault: DetectorFault, frames = 100, blocks = BLOCKS): Omit<Block, 'phase'>[] {
  const stream = simulatedDetectorBlocks(SHAPE, fault, frames, seededRandom(1));
  return Array.from({ length: blocks }, () => stream.next().value);
}
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const total = (blocks: readonly Omit<Block, 'phase'>[], of: 'old' | 'candidate') => ({
  boxes: sum(blocks.map(({ boxes }) => boxes?.[of] ?? 0)),
  crossed: sum(blocks.flatMap(({ lines = {} }) => Object.values(lines).map((line) => line[of]))),
});

it('a fault of a simulated detector is as large as it says, in the measure that it is of', () => {
  const lost = made({ lostAtLine: 0.2 });
  expect(total(lost, 'candidate').crossed / total(lost, 'old').crossed).toBeCloseTo(0.8, 1.5);
  expect(total(lost, 'candidate').boxes / total(lost, 'old').boxes).toBeCloseTo(1, 1.5);
  const blind = made({ missedOfFirst: 0.1 });
  const [first, second] = ['class 0', 'class 1'].map(
    (label) => sum(blind.map(({ classShift }) => classShift[label] ?? 0)) / BLOCKS,
  );
  expect(first).toBeCloseTo((-0.6 * 0.1) / 0.97, 2);
  expect(second).toBeCloseTo(0, 2);
  const apart = sum(made({}).map(({ disagreement }) => disagreement)) / BLOCKS;
  expect(apart, '1 - (1 - m) / (1 + m)').toBeCloseTo(0.06 / 1.03, 2);
});

it('objects stay from one frame into the next for as long as the shape says', () => {
  const series = made({}, 1, 60_000).map(({ boxes }) => boxes?.old ?? 0);
  // Present and absent alike for m frames on average: the correlation falls by (1 - 1/m)^2 - (1/m)^2 a frame.
  const fall = 1 - 2 / SHAPE.frames;
  const time = (1 + fall) / (1 - fall);
  expect(Math.abs(autocorrelationTime(series) / time - 1)).toBeLessThan(0.15);
});

it('an equal detector is promoted, one that counts too few at lines is not', () => {
  const limits = trialLimits.parse({});
  const ends = (fault: DetectorFault): string[] => {
    const random = seededRandom(3);
    return Array.from({ length: 20 }, () => {
      const judge = new TrialJudge(limits, 2, { task: 'detector', lines: 2 });
      return simulatedTrial(simulatedDetectorBlocks(SHAPE, fault, 100, random), judge).verdict.reason ?? '';
    });
  };
  expect(new Set(ends({}))).toEqual(new Set(['TRIAL_PROMOTED']));
  expect(new Set(ends({ lostAtLine: 0.3 }))).toEqual(new Set(['TRIAL_LINE_COUNTS']));
});
