import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../core/random.ts';
import type { Block } from '../../../deploy/trial/block.ts';
import { TrialJudge, type Verdict } from '../../../deploy/trial/judge.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';
import { fromDaemon } from '../../../deploy/trial/protocol.ts';
import { type DetectorFault, type RoadShape, simulatedRoad } from '../../support/simulated-road.ts';

const LIMITS = trialLimits.parse({});
const ROAD: RoadShape = { users: [600, 120, 40], missed: 0.03, lines: [0.3, 0.1] };

function judged(
  road: RoadShape,
  fault: DetectorFault,
  seed: number,
  limits = LIMITS,
): Verdict & { readonly blocks: number } {
  const judge = new TrialJudge(limits, road.users.length, { task: 'detector', lines: road.lines.length });
  let phase: Block['phase'] = 'shadow';
  for (const block of simulatedRoad(road, fault, seededRandom(seed))) {
    const verdict = judge.add({ ...block, phase });
    if (verdict.step === 'take-over') phase = 'probation';
    else if (verdict.step !== 'continue') return { ...verdict, blocks: judge.blocks };
  }
  throw new Error('the road ended before the trial');
}

describe('the judge of a detector', () => {
  it('promotes one that gives the same boxes and counts', () => {
    const end = judged(ROAD, {}, 1);
    expect(end).toMatchObject({ step: 'promote', reason: 'TRIAL_PROMOTED' });
    const measures = end.evidence.map(({ measure }) => measure);
    expect(measures).toEqual(expect.arrayContaining(['disagreement', 'counts of all lines', 'counts of line 1']));
  });

  it.each<[string, DetectorFault, object]>([
    ['misses a part of a class', { misses: 0.15 }, { reason: 'TRIAL_CLASS_SHIFT' }],
    ['puts boxes elsewhere', { displaced: 0.4 }, { reason: 'TRIAL_DISAGREES' }],
    ['loses what crosses one line', { uncounted: 0.4 }, { reason: 'TRIAL_LINE_COUNTS' }],
  ])('rolls back one that %s', (_, fault, end) => {
    expect(judged(ROAD, fault, 2)).toMatchObject({ step: 'roll-back', ...end });
  });

  it('does not roll back for counts where no line is drawn, nor wait for them', () => {
    expect(judged({ ...ROAD, lines: [] }, { uncounted: 1 }, 3).step).toBe('promote');
  });

  it('does not promote on an empty road: nothing was compared', () => {
    const limits = trialLimits.parse({ mostBlocks: 60 });
    const end = judged({ ...ROAD, users: [0, 0, 0] }, {}, 4, limits);
    expect(end).toMatchObject({ step: 'roll-back', reason: 'TRIAL_INCONCLUSIVE', blocks: 60 });
  });

  it('keeps its rates: few of equal ones go back, few that lose a fifth of a line are promoted', () => {
    const runs = 60;
    const share = (fault: DetectorFault, step: string): number =>
      Array.from({ length: runs }, (_, seed) => judged({ ...ROAD, lines: [0.3] }, fault, 100 + seed).step).filter(
        (each) => each === step,
      ).length / runs;
    // Three standard errors above the stated rate.
    const most = (rate: number): number => rate + 3 * Math.sqrt((rate * (1 - rate)) / runs);
    expect(share({}, 'roll-back')).toBeLessThanOrEqual(most(LIMITS.falseRollbacks));
    // 20% fewer are 22% of the mean of both.
    expect(share({ uncounted: 0.2 }, 'promote')).toBeLessThanOrEqual(most(LIMITS.falsePromotions));
  });
});

it('what a daemon says of boxes is checked: no more pairs than boxes', () => {
  const block = {
    ...{ phase: 'shadow', frames: 10, classShift: {}, disagreement: 0, scoreDrift: 0, longestGapSeconds: 0 },
    ...{ old: { failed: 0, latencyMs: 1, memoryMb: 1, restarts: 0 }, boxes: { old: 3, candidate: 2, matched: 2 } },
    ...{ candidate: { failed: 0, latencyMs: 1, memoryMb: 1, restarts: 0 }, lines: { kerb: { old: 1, candidate: 0 } } },
  };
  const message = (given: object) => fromDaemon.safeParse({ v: 1, type: 'block', trial: 't', index: 0, block: given });
  expect(message(block).success).toBe(true);
  expect(message({ ...block, boxes: { old: 3, candidate: 2, matched: 3 } }).success).toBe(false);
  expect(message({ ...block, lines: { kerb: { old: -1, candidate: 0 } } }).success).toBe(false);
});
