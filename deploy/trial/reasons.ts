import type { ErrorCode } from '../../core/error-codes.ts';

/** Why a trial ended as it did: the reason code of `model/report`. */
export const TRIAL_REASONS = {
  TRIAL_PROMOTED: 'not worse than the model before it by any margin, at the stated error rate',
  TRIAL_FAILED_TO_LOAD: 'the candidate did not load or did not reproduce its golden samples',
  TRIAL_REFUSED:
    'the configuration of the box does not take the candidate, which is not held to be bad: see the log of its daemon',
  TRIAL_NO_FRAMES: 'no frame was analysed for too long while cameras were live',
  TRIAL_FRAMES_FAILED: 'the candidate failed on frames that the model before it analysed',
  TRIAL_RESTARTED: 'the process of the candidate had to be replaced too often',
  TRIAL_MEMORY: 'the candidate needed more memory than allowed',
  TRIAL_SLOWER: 'the candidate is slower than tolerated',
  TRIAL_CLASS_SHIFT: 'the candidate sees another mix of classes on the same frames',
  TRIAL_DISAGREES:
    'the candidate answers otherwise than the model before it, on the same frames, more often than tolerated',
  TRIAL_SCORE_DRIFT: 'the scores of the candidate lie elsewhere than those of the model before it, on the same frames',
  TRIAL_LINE_COUNTS: 'the candidate counts otherwise than the model before it what crosses a line, on the same frames',
  TRIAL_INCONCLUSIVE: 'the trial ended before the candidate was shown to be as good: the model before it stays',
  TRIAL_INTERRUPTED: 'the trial was cut off too often, by power or restarts; the candidate is not held to be bad',
  TRIAL_ABORTED: 'the office ended the trial',
} as const;

export type TrialReason = keyof typeof TRIAL_REASONS;

/** What the configuration of the box is the cause of as well: another box may run the same package. */
const REFUSED: readonly string[] = [
  'SIGNATURE_MISSING',
  'SIGNATURE_INVALID',
  'KEY_INVALID',
  'MODEL_UNSUPPORTED',
] satisfies ErrorCode[];

/** What it means that a daemon could not load a package, by the code that it gives. */
export const failedToLoad = (code: string | undefined): 'TRIAL_REFUSED' | 'TRIAL_FAILED_TO_LOAD' =>
  REFUSED.includes(code ?? '') ? 'TRIAL_REFUSED' : 'TRIAL_FAILED_TO_LOAD';
