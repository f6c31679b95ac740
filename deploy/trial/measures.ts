import type { Block } from './block.ts';
import type { TrialLimits } from './limits.ts';
import type { TrialReason } from './reasons.ts';

/** What a model answers, and so what two of them are compared by. */
export const TRIAL_TASKS = ['classifier', 'detector'] as const;
export type TrialTask = (typeof TRIAL_TASKS)[number];

/** One number of a block, in which a candidate may be worse. */
export interface Measure {
  readonly name: string;
  readonly reason: TrialReason;
  readonly tolerated: number;
  readonly margin: number;
  /** A change for the better is none. */
  readonly oneSided: boolean;
  /** Deviation of a block that is assumed at least: what one answer more or less in it changes. */
  readonly floor: (block: Block) => number;
  /** NaN: it is not known, and nothing can be proven by it; undefined: there was nothing to compare. */
  readonly value: (block: Block) => number | undefined;
  /** What a promotion needs of it. `where seen`: nothing where there never was anything to compare; `none`: another one stands for it. @default proof */
  readonly need?: 'where seen' | 'none';
}

/** Clocks and caches: two blocks of one model differ by about this much. */
const LATENCY_FLOOR = 0.005;

const oneFrame = (block: Block): number => 1 / Math.max(1, block.frames);

/** Boxes that either model gave, a matched pair once. */
const boxesOf = ({ boxes }: Block): number => (boxes === undefined ? 0 : boxes.old + boxes.candidate - boxes.matched);
const oneBox = (block: Block): number => 1 / Math.max(1, boxesOf(block));

const failedFrames = ({ failedFrames }: TrialLimits): Measure => ({
  name: 'failed frames',
  reason: 'TRIAL_FRAMES_FAILED',
  ...failedFrames,
  oneSided: true,
  floor: oneFrame,
  value: (block) => (block.candidate.failed - block.old.failed) / Math.max(1, block.frames),
});

/** Times are compared as ratios: logarithms of them add up. */
const slower = ({ slower }: TrialLimits): Measure => ({
  name: 'slower',
  reason: 'TRIAL_SLOWER',
  tolerated: Math.log1p(slower.tolerated),
  margin: Math.log1p(slower.margin),
  oneSided: true,
  floor: () => LATENCY_FLOOR,
  value: (block) => Math.log(block.candidate.latencyMs / block.old.latencyMs),
});

const disagreement = ({ disagreement }: TrialLimits, by: Pick<Measure, 'floor' | 'value'>): Measure => ({
  name: 'disagreement',
  reason: 'TRIAL_DISAGREES',
  ...disagreement,
  oneSided: true,
  ...by,
});

const scoreDrift = ({ scoreDrift }: TrialLimits, by: Pick<Measure, 'floor' | 'value'>): Measure => ({
  name: 'score drift',
  reason: 'TRIAL_SCORE_DRIFT',
  ...scoreDrift,
  oneSided: false,
  ...by,
});

interface Crossed {
  readonly old: number;
  readonly candidate: number;
}

/** A difference as a share of the mean of both; none where nothing crossed. */
const countsApart = ({ old, candidate }: Crossed): number | undefined =>
  old + candidate === 0 ? undefined : (2 * (candidate - old)) / (old + candidate);
const oneCrossing = ({ old, candidate }: Crossed): number => 2 / Math.max(1, old + candidate);

const lineCounts = ({ lineCounts }: TrialLimits, name: string, crossed: (block: Block) => Crossed): Measure => ({
  name,
  reason: 'TRIAL_LINE_COUNTS',
  ...lineCounts,
  oneSided: false,
  floor: (block) => oneCrossing(crossed(block)),
  value: (block) => countsApart(crossed(block)),
});

const NOBODY: Crossed = { old: 0, candidate: 0 };

/** What crossed all lines together: a street where little crosses each proves by them together that a candidate counts alike. */
function crossedAll({ lines = {} }: Block): Crossed {
  const each = Object.values(lines);
  const sum = (of: (crossed: Crossed) => number): number => each.reduce((total, crossed) => total + of(crossed), 0);
  return { old: sum(({ old }) => old), candidate: sum(({ candidate }) => candidate) };
}

/** Measures that every trial of a task has; each class, and each line, is one more. */
export const TASK_MEASURES: Readonly<Record<TrialTask, (limits: TrialLimits) => readonly Measure[]>> = {
  classifier: (limits) => [
    disagreement(limits, { floor: oneFrame, value: (block) => block.disagreement }),
    scoreDrift(limits, { floor: oneFrame, value: (block) => block.scoreDrift }),
    failedFrames(limits),
    slower(limits),
  ],
  // Where no box was seen, two models cannot differ in boxes: the block says nothing of them.
  detector: (limits) => [
    disagreement(limits, {
      floor: oneBox,
      value: (block) => (boxesOf(block) === 0 ? undefined : 1 - (block.boxes?.matched ?? 0) / boxesOf(block)),
    }),
    scoreDrift(limits, {
      floor: oneBox,
      value: (block) => (block.boxes?.matched ? block.scoreDrift : undefined),
    }),
    failedFrames(limits),
    slower(limits),
    { ...lineCounts(limits, 'counts of all lines', crossedAll), need: 'where seen' },
  ],
};

/** Of a class: of a classifier its share of all answers, of a detector its boxes as a share of all boxes of the old model. */
export const classMeasure = (label: string, { classShift }: TrialLimits, task: TrialTask): Measure => ({
  name: `share of ${label}`,
  reason: 'TRIAL_CLASS_SHIFT',
  ...classShift,
  oneSided: false,
  floor: task === 'detector' ? oneBox : oneFrame,
  value: (block) => (task === 'detector' && boxesOf(block) === 0 ? undefined : (block.classShift[label] ?? 0)),
});

export const lineMeasure = (line: string, limits: TrialLimits): Measure => ({
  ...lineCounts(limits, `counts of ${line}`, ({ lines }) => lines?.[line] ?? NOBODY),
  need: 'none',
});
