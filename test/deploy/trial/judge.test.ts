import { describe, expect, it } from 'vitest';
import { simulatedTrial } from '../../../bench/harness/trial/outcome.ts';
import { type Fault, type StreamShape, simulatedBlocks } from '../../../bench/harness/trial/streams.ts';
import { seededRandom } from '../../../core/random.ts';
import type { Block } from '../../../deploy/trial/block.ts';
import { TrialJudge } from '../../../deploy/trial/judge.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';

const LIMITS = trialLimits.parse({});
const STREET: StreamShape = { shares: [0.5, 0.3, 0.15, 0.05], frames: 10, error: 0.04, regions: 3 };
const FRAMES = 100;

const model = { failed: 0, latencyMs: 5, memoryMb: 80, restarts: 0 };
const quiet: Block = {
  phase: 'shadow',
  frames: 200,
  old: model,
  candidate: model,
  classShift: { car: 0, truck: 0 },
  disagreement: 0,
  scoreDrift: 0,
  longestGapSeconds: 1,
};

/** Blocks until the judge decides, by what each is. */
function decided(block: (phase: Block['phase']) => Block, limits = LIMITS) {
  const judge = new TrialJudge(limits, 2);
  let phase: Block['phase'] = 'shadow';
  for (;;) {
    const verdict = judge.add(block(phase));
    if (verdict.step === 'take-over') phase = 'probation';
    else if (verdict.step !== 'continue') return { ...verdict, blocks: judge.blocks };
  }
}

describe('the judge of a trial', () => {
  it('promotes a model that answers alike, after both phases and not before', () => {
    const { step, reason, blocks } = decided((phase) => ({ ...quiet, phase }));
    expect({ step, reason }).toEqual({ step: 'promote', reason: 'TRIAL_PROMOTED' });
    expect(blocks).toBeGreaterThanOrEqual(LIMITS.shadowBlocks + LIMITS.probationBlocks);
  });

  it.each([
    ['TRIAL_SLOWER', { candidate: { ...model, latencyMs: 7 } }],
    ['TRIAL_FRAMES_FAILED', { candidate: { ...model, failed: 10 } }],
    ['TRIAL_CLASS_SHIFT', { classShift: { car: -0.08, truck: 0.08 } }],
    ['TRIAL_DISAGREES', { disagreement: 0.4 }],
    ['TRIAL_SCORE_DRIFT', { scoreDrift: -0.2 }],
    ['TRIAL_RESTARTED', { candidate: { ...model, restarts: 1 } }],
    ['TRIAL_MEMORY', { candidate: { ...model, memoryMb: 2000 } }],
    ['TRIAL_NO_FRAMES', { longestGapSeconds: 31 }],
  ])('rolls back: %s', (reason, change) => {
    expect(decided((phase) => ({ ...quiet, ...change, phase }))).toMatchObject({ step: 'roll-back', reason });
  });

  it('does not hold it against a candidate that it is quicker', () => {
    const quicker = { ...quiet, candidate: { ...model, latencyMs: 2 } };
    expect(decided((phase) => ({ ...quicker, phase })).step).toBe('promote');
  });

  it('keeps the old model where the trial ends undecided, and says so', () => {
    // The old model analysed nothing: how long the candidate takes beside it is not known.
    const unknown = { ...quiet, old: { ...model, latencyMs: Number.NaN } };
    const limits = trialLimits.parse({ mostBlocks: 40 });
    const end = decided((phase) => ({ ...unknown, phase }), limits);
    expect(end).toMatchObject({ step: 'roll-back', reason: 'TRIAL_INCONCLUSIVE', blocks: 40 });
  });

  it('counts a class that appears late as absent before', () => {
    const judge = new TrialJudge(LIMITS, 3);
    for (let i = 0; i < 6; i++) judge.add(quiet);
    const { evidence } = judge.add({ ...quiet, classShift: { car: 0, truck: 0, bus: 0.07 } });
    const bus = evidence.find(({ measure }) => measure === 'share of bus');
    expect(bus?.blocks).toBe(7);
    expect(bus?.mean).toBeCloseTo(0.01, 12);
  });
});

describe('the error rates of a trial, on traffic that stays in view for a while', () => {
  const RUNS = 120;
  const ends = (fault: Fault) => {
    const random = seededRandom(7);
    return Array.from({ length: RUNS }, () => {
      const judge = new TrialJudge(LIMITS, STREET.shares.length);
      return simulatedTrial(simulatedBlocks(STREET, fault, FRAMES, random), judge).verdict.step;
    });
  };
  // Three standard errors above the stated rate: chance does not fail the test, a rate that is twice too high does.
  const most = (rate: number): number => RUNS * rate + 3 * Math.sqrt(RUNS * rate * (1 - rate));

  it('seldom roll back a model that is as good', () => {
    const steps = ends({});
    expect(steps.filter((step) => step === 'roll-back').length).toBeLessThanOrEqual(most(LIMITS.falseRollbacks));
    expect(steps.filter((step) => step === 'promote').length).toBeGreaterThan(RUNS * 0.9);
  });

  it('seldom promote a model that moves a class by the margin', () => {
    const steps = ends({ classShift: LIMITS.classShift.margin });
    expect(steps.filter((step) => step === 'promote').length).toBeLessThanOrEqual(most(LIMITS.falsePromotions));
  });
});
