import type { Random } from '../../../core/random.ts';
import { TrialJudge, type Verdict } from '../../../deploy/trial/judge.ts';
import type { TrialLimits } from '../../../deploy/trial/limits.ts';
import { type Fault, type StreamShape, simulatedBlocks } from './streams.ts';

export interface TrialOutcome {
  readonly verdict: Verdict;
  readonly blocks: number;
}

/** One trial to its end. */
export function simulatedTrial(
  shape: StreamShape,
  fault: Fault,
  frames: number,
  limits: TrialLimits,
  random: Random,
): TrialOutcome {
  const judge = new TrialJudge(limits, shape.shares.length);
  let phase: 'shadow' | 'probation' = 'shadow';
  for (const block of simulatedBlocks(shape, fault, frames, random)) {
    const verdict = judge.add({ ...block, phase });
    if (verdict.step === 'promote' || verdict.step === 'roll-back') return { verdict, blocks: judge.blocks };
    if (verdict.step === 'take-over') phase = 'probation';
  }
  throw new Error('the stream ended before the trial');
}
