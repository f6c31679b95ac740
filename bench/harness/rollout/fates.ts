import type { Random } from '../../../core/random.ts';
import { blockFrames } from '../../../deploy/trial/autocorrelation.ts';
import type { Block } from '../../../deploy/trial/block.ts';
import { TrialJudge, type Verdict } from '../../../deploy/trial/judge.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';
import { type Fault, type StreamShape, simulatedBlocks } from '../trial/streams.ts';

/** What a new model does on a simulated box. */
export type Fate = 'good' | 'slower' | 'wrong on one class' | 'crashes after 50 frames';

const LIMITS = trialLimits.parse({});
const SHAPE: StreamShape = { shares: [0.5, 0.3, 0.15, 0.05], frames: 8, error: 0.02, regions: 3 };
/** Of geometric lengths with mean m: 2 m - 1. */
const FRAMES = blockFrames(2 * SHAPE.frames - 1, 50, 2000);

const FAULTS: Readonly<Record<Fate, Fault>> = {
  good: {},
  slower: { slower: 1.5 },
  // The rarest class is taken for nothing else: its own share moves to another.
  'wrong on one class': { classShift: 0.1 },
  'crashes after 50 frames': {},
};

/** A process that ends after 50 frames is replaced as often as it fits into the block, and its frames fail. */
const crashing = (block: Omit<Block, 'phase'>): Omit<Block, 'phase'> => {
  const restarts = Math.floor(block.frames / 50);
  return { ...block, candidate: { ...block.candidate, restarts, failed: restarts } };
};

interface TrialResult {
  readonly verdict: Verdict;
  readonly frames: number;
}

/** The trial that a box makes of it, by the judge of the box itself. */
export function trialOf(fate: Fate, random: Random): TrialResult {
  const judge = new TrialJudge(LIMITS, SHAPE.shares.length);
  let phase: Block['phase'] = 'shadow';
  for (const made of simulatedBlocks(SHAPE, FAULTS[fate], FRAMES, random)) {
    const block = fate === 'crashes after 50 frames' ? crashing(made) : made;
    const verdict = judge.add({ ...block, phase });
    if (verdict.step === 'promote' || verdict.step === 'roll-back') return { verdict, frames: judge.blocks * FRAMES };
    if (verdict.step === 'take-over') phase = 'probation';
  }
  throw new Error('the stream ended before the trial');
}
