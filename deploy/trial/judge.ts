import type { Block } from './block.ts';
import type { TrialLimits } from './limits.ts';
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

interface Measure {
  readonly name: string;
  readonly reason: TrialReason;
  readonly tolerated: number;
  readonly margin: number;
  /** A change for the better is none. */
  readonly oneSided: boolean;
  /** Deviation of a block that is assumed at least: what one answer more or less in it changes. */
  readonly floor: (block: Block) => number;
  readonly value: (block: Block) => number;
}

const oneFrame = (block: Block): number => 1 / Math.max(1, block.frames);
/** Clocks and caches: two blocks of one model differ by about this much. */
const LATENCY_FLOOR = 0.005;

const fixedMeasures = (limits: TrialLimits): readonly Measure[] => [
  {
    name: 'disagreement',
    reason: 'TRIAL_DISAGREES',
    ...limits.disagreement,
    oneSided: true,
    floor: oneFrame,
    value: (block) => block.disagreement,
  },
  {
    name: 'score drift',
    reason: 'TRIAL_SCORE_DRIFT',
    ...limits.scoreDrift,
    oneSided: false,
    floor: oneFrame,
    value: (block) => block.scoreDrift,
  },
  {
    name: 'failed frames',
    reason: 'TRIAL_FRAMES_FAILED',
    ...limits.failedFrames,
    oneSided: true,
    floor: oneFrame,
    value: (block) => (block.candidate.failed - block.old.failed) / Math.max(1, block.frames),
  },
  {
    name: 'slower',
    reason: 'TRIAL_SLOWER',
    // Times are compared as ratios: logarithms of them add up.
    tolerated: Math.log1p(limits.slower.tolerated),
    margin: Math.log1p(limits.slower.margin),
    oneSided: true,
    floor: () => LATENCY_FLOOR,
    value: (block) => Math.log(block.candidate.latencyMs / block.old.latencyMs),
  },
];

const classMeasure = (label: string, limits: TrialLimits): Measure => ({
  name: `share of ${label}`,
  reason: 'TRIAL_CLASS_SHIFT',
  ...limits.classShift,
  oneSided: false,
  floor: oneFrame,
  value: (block) => block.classShift[label] ?? 0,
});

interface Series {
  readonly measure: Measure;
  readonly moments: RunningMoments;
  /** Blocks without a value: a model that answered nothing has no time. */
  unknown: number;
}

/**
 * Judges a candidate, block after block, by what both models answered to the same frames.
 *
 * Two questions are asked of each measure after every block. *Is it worse than tolerated?* One yes rolls back: the rate of false
 * rollbacks is shared out over all measures, half to the classes (evenly, both sides) and half to the others. *Is it better than the
 * margin?* All must say yes before the candidate is promoted: then the chance of promoting one that is worse by a margin in any measure
 * is at most the rate of that one measure (intersection-union test, Berger 1982), and nothing has to be shared out.
 */
export class TrialJudge {
  readonly #limits: TrialLimits;
  readonly #classes = new Map<string, Series>();
  readonly #others: readonly Series[];
  readonly #labels: number;
  readonly #blocks = { shadow: 0, probation: 0 };
  #restarts = 0;

  /** @param labels classes that the models know: the rate is shared among them before any is seen */
  constructor(limits: TrialLimits, labels: number) {
    this.#limits = limits;
    this.#labels = Math.max(1, labels);
    this.#others = fixedMeasures(limits).map((measure) => ({ measure, moments: new RunningMoments(), unknown: 0 }));
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
      if (this.#classes.has(label)) continue;
      const moments = new RunningMoments(this.blocks);
      this.#classes.set(label, { measure: classMeasure(label, this.#limits), moments, unknown: 0 });
    }
    this.#blocks[block.phase]++;
    this.#restarts += block.candidate.restarts;
    for (const series of [...this.#classes.values(), ...this.#others]) {
      const value = series.measure.value(block);
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
    const classes = [...this.#classes.values()].map((series) => ({ series, alpha: half / this.#labels }));
    const others = this.#others.map((series) => ({ series, alpha: half / this.#others.length }));
    return [...classes, ...others].map(({ series, alpha }) => {
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
