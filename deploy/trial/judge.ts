import type { Block } from './block.ts';
import type { TrialLimits } from './limits.ts';
import { classMeasure, lineMeasure, type Measure, TASK_MEASURES, type TrialTask } from './measures.ts';
import type { TrialReason } from './reasons.ts';
import { halfWidth, type Moments, RunningMoments } from './sequential.ts';

/** Where a measure lies, after all blocks so far. */
export interface Evidence extends Moments {
  readonly measure: string;
  /** Ends of the confidence sequence at the rate of false rollbacks: the mean is outside with that probability, ever. */
  readonly low: number;
  readonly high: number;
  readonly tolerated: number;
  readonly margin: number;
}

export interface Verdict {
  readonly step: 'continue' | 'take-over' | 'promote' | 'roll-back';
  readonly reason?: TrialReason;
  /** The measure that decided, or all of them where all had to. */
  readonly evidence: readonly Evidence[];
}

/** What is known of a candidate before its first block: rates are shared out before anything is seen. */
interface Judged {
  /** @default classifier */
  readonly task?: TrialTask | undefined;
  /** Lines that are counted at. @default 0 */
  readonly lines?: number | undefined;
}

interface Series {
  readonly measure: Measure;
  readonly moments: RunningMoments;
  /** Blocks without a value: a model that answered nothing has no time. */
  unknown: number;
}

const seriesOf = (measure: Measure, zeros = 0): Series => ({ measure, moments: new RunningMoments(zeros), unknown: 0 });

/**
 * Judges a candidate, block after block, by what both models answered to the same frames.
 *
 * Two questions are asked of each measure after every block. *Is it worse than tolerated?* One yes rolls back: the rate of false
 * rollbacks is shared out over all measures, half to the classes (evenly, both sides) and half to the others; lines share what
 * one of these has. *Is it better than the
 * margin?* All must say yes before the candidate is promoted: then the chance of promoting one that is worse by a margin in any measure
 * is at most the rate of that one measure (intersection-union test, Berger 1982), and nothing has to be shared out.
 */
export class TrialJudge {
  readonly #limits: TrialLimits;
  readonly #task: TrialTask;
  readonly #classes = new Map<string, Series>();
  readonly #lines = new Map<string, Series>();
  readonly #others: readonly Series[];
  readonly #known: { readonly labels: number; readonly lines: number };
  readonly #blocks = { shadow: 0, probation: 0 };
  #restarts = 0;
  /** Blocks in which a class could have been seen. */
  #compared = 0;
  /** @param labels classes that the models know: the rate is shared among them before any is seen */
  constructor(limits: TrialLimits, labels: number, { task = 'classifier', lines = 0 }: Judged = {}) {
    this.#limits = limits;
    this.#task = task;
    this.#known = { labels: Math.max(1, labels), lines: Math.max(1, lines) };
    this.#others = TASK_MEASURES[task](limits).map((measure) => seriesOf(measure));
  }

  get blocks(): number {
    return this.#blocks.shadow + this.#blocks.probation;
  }

  add(block: Block): Verdict {
    this.#take(block);
    const broken = this.#brokenLimit(block);
    if (broken !== undefined) return { step: 'roll-back', reason: broken, evidence: [] };
    const worse = this.#evidence(block).find(({ evidence, measure }) => {
      const { low, high, tolerated } = evidence;
      return low > tolerated || (!measure.oneSided && high < -tolerated);
    });
    if (worse !== undefined) return { step: 'roll-back', reason: worse.measure.reason, evidence: [worse.evidence] };
    return this.#next(block);
  }

  #next(block: Block): Verdict {
    const { shadowBlocks, probationBlocks, mostBlocks } = this.#limits;
    const all = this.#evidence(block);
    const evidence = all.map((one) => one.evidence);
    const proven = all.every(({ series, measure }) => {
      const { need } = measure;
      if (need === 'none' || (need === 'where seen' && series.moments.moments.blocks === 0)) return true;
      const width = halfWidth(series.moments.moments, this.#limits.falsePromotions, measure.floor(block));
      const { mean } = series.moments.moments;
      return (
        series.unknown === 0 && mean + width < measure.margin && (measure.oneSided || mean - width > -measure.margin)
      );
    });
    if (block.phase === 'probation' && this.#blocks.probation >= probationBlocks && proven) {
      return { step: 'promote', reason: 'TRIAL_PROMOTED', evidence };
    }
    if (this.blocks >= mostBlocks) return { step: 'roll-back', reason: 'TRIAL_INCONCLUSIVE', evidence };
    const answers = block.phase === 'shadow' && this.#blocks.shadow >= shadowBlocks;
    return { step: answers ? 'take-over' : 'continue', evidence };
  }

  #take(block: Block): void {
    for (const label of Object.keys(block.classShift)) {
      if (!this.#classes.has(label))
        this.#classes.set(label, seriesOf(classMeasure(label, this.#limits, this.#task), this.#compared));
    }
    for (const line of this.#task === 'detector' ? Object.keys(block.lines ?? {}) : []) {
      if (!this.#lines.has(line)) this.#lines.set(line, seriesOf(lineMeasure(line, this.#limits)));
    }
    if (this.#task === 'classifier' || (block.boxes?.old ?? 0) + (block.boxes?.candidate ?? 0) > 0) this.#compared++;
    this.#blocks[block.phase]++;
    this.#restarts += block.candidate.restarts;
    for (const series of [...this.#classes.values(), ...this.#lines.values(), ...this.#others]) {
      const value = series.measure.value(block);
      if (value === undefined) continue;
      if (Number.isFinite(value)) series.moments.add(value);
      else series.unknown++;
    }
  }

  #brokenLimit(block: Block): TrialReason | undefined {
    const { restarts, memoryMb, noFramesSeconds } = this.#limits;
    if (this.#restarts > restarts) return 'TRIAL_RESTARTED';
    if (block.candidate.memoryMb > memoryMb) return 'TRIAL_MEMORY';
    if (block.longestGapSeconds > noFramesSeconds) return 'TRIAL_NO_FRAMES';
    return undefined;
  }

  #evidence(block: Block): { readonly series: Series; readonly measure: Measure; readonly evidence: Evidence }[] {
    const half = this.#limits.falseRollbacks / 2;
    const classes = [...this.#classes.values()].map((series) => ({ series, alpha: half / this.#known.labels }));
    const share = half / this.#others.length;
    const others = this.#others.map((series) => ({
      series,
      alpha: series.measure.need === 'where seen' ? share / 2 : share,
    }));
    const lines = [...this.#lines.values()].map((series) => ({ series, alpha: share / 2 / this.#known.lines }));
    return [...classes, ...others, ...lines].map(({ series, alpha }) => {
      const { measure } = series;
      const moments = series.moments.moments;
      const width = halfWidth(moments, alpha, measure.floor(block));
      const { mean } = moments;
      const { name, tolerated, margin } = measure;
      const evidence = { measure: name, ...moments, low: mean - width, high: mean + width, tolerated, margin };
      return { series, measure, evidence };
    });
  }
}
