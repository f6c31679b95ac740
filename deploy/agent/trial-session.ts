import type { Slot } from '../store/layout.ts';
import type { Block } from '../trial/block.ts';
import { type Evidence, TrialJudge } from '../trial/judge.ts';
import type { TrialLimits } from '../trial/limits.ts';
import type { FromDaemon } from '../trial/protocol.ts';
import { failedToLoad } from '../trial/reasons.ts';
import type { TrialUnderWay } from './situation.ts';

type Candidate = Extract<FromDaemon, { type: 'candidate' }>;
type BlockMessage = Extract<FromDaemon, { type: 'block' }>;

/** A model that is not up after so long does not come up. */
const LOADING_MS = 10 * 60_000;

interface TrialSessionOptions {
  readonly id: string;
  readonly slot: Slot;
  readonly limits: TrialLimits;
  /** Of the whole trial. */
  readonly longestMs: number;
  /** A clock that makes no steps, ms. */
  readonly clock: () => number;
}

const blockOf = ({ block }: BlockMessage): Block => {
  const known = ({ latencyMs, memoryMb, ...rest }: typeof block.old) => ({
    ...rest,
    latencyMs: latencyMs ?? Number.NaN,
    memoryMb: memoryMb ?? Number.NaN,
  });
  return { ...block, old: known(block.old), candidate: known(block.candidate) };
};

/** One trial in the daemon, from `try` to its ruling. It is lost with the connection, and then begins anew. */
export class TrialSession {
  readonly id: string;
  readonly slot: Slot;
  readonly #options: TrialSessionOptions;
  readonly #since: number;
  #judge: TrialJudge | undefined;
  #phase: TrialUnderWay['phase'] = 'loading';
  #answers = false;
  #ruling: TrialUnderWay['ruling'];
  /** Measures after the last block. */
  evidence: readonly Evidence[] = [];

  constructor(options: TrialSessionOptions) {
    this.id = options.id;
    this.slot = options.slot;
    this.#options = options;
    this.#since = options.clock();
  }

  get blocks(): number {
    return this.#judge?.blocks ?? 0;
  }

  hear(message: Candidate | BlockMessage): void {
    if (message.type === 'block') this.#take(message);
    else if (message.event === 'ready') {
      this.#judge ??= new TrialJudge(this.#options.limits, message.labels ?? 1, message);
      if (this.#phase === 'loading') this.#phase = 'shadow';
    } else if (message.event === 'failed') {
      const words = [message.code, message.message].filter((text) => text !== undefined).join(': ');
      this.#rule({ step: 'roll-back', reason: failedToLoad(message.code), message: words });
    } else if (this.#answers) this.#phase = 'probation';
  }

  /** The daemon was told that the candidate answers from now on. */
  tookOver(): void {
    this.#answers = true;
    if (this.#ruling?.step === 'take-over') this.#ruling = undefined;
  }

  /** The daemon is gone, and the candidate with it. */
  lost(): void {
    this.#ruling = { step: 'interrupted' };
  }

  underWay(): TrialUnderWay {
    const { clock, longestMs } = this.#options;
    const lasted = clock() - this.#since;
    if (this.#phase === 'loading' && lasted > LOADING_MS)
      this.#rule({ step: 'roll-back', reason: 'TRIAL_FAILED_TO_LOAD', message: 'it did not come up in time' });
    if (lasted > longestMs)
      this.#rule({ step: 'roll-back', reason: this.blocks === 0 ? 'TRIAL_NO_FRAMES' : 'TRIAL_INCONCLUSIVE' });
    return { slot: this.slot, phase: this.#phase, ruling: this.#ruling };
  }

  /** The first word on how it ends holds. */
  #rule(ruling: NonNullable<TrialUnderWay['ruling']>): void {
    if (this.#ruling === undefined || this.#ruling.step === 'take-over') this.#ruling = ruling;
  }

  #take(message: BlockMessage): void {
    if (this.#judge === undefined) return;
    const block = blockOf(message);
    // Only what came after the take-over counts as probation, whatever the daemon calls it.
    const verdict = this.#judge.add({ ...block, phase: this.#answers ? block.phase : 'shadow' });
    this.evidence = verdict.evidence;
    if (verdict.step === 'take-over' && !this.#answers) this.#ruling ??= { step: 'take-over' };
    else if (verdict.step === 'promote' || verdict.step === 'roll-back')
      this.#rule({ step: verdict.step, reason: verdict.reason ?? 'TRIAL_INCONCLUSIVE' });
  }
}
