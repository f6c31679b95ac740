import type { Block } from '../../../deploy/trial/block.ts';
import type { TrialJudge, Verdict } from '../../../deploy/trial/judge.ts';

export interface TrialOutcome {
  readonly verdict: Verdict;
  readonly blocks: number;
}

/** One trial to its end. */
export function simulatedTrial(blocks: Iterable<Omit<Block, 'phase'>>, judge: TrialJudge): TrialOutcome {
  let phase: Block['phase'] = 'shadow';
  for (const block of blocks) {
    const verdict = judge.add({ ...block, phase });
    if (verdict.step === 'promote' || verdict.step === 'roll-back') return { verdict, blocks: judge.blocks };
    if (verdict.step === 'take-over') phase = 'probation';
  }
  throw new Error('the stream ended before the trial');
}
