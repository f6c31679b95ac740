import { join } from 'node:path';
import { wilson } from '../../../core/intervals.ts';
import { PACKAGE_ROOT } from '../../../core/layout.ts';
import { type Random, seededRandom } from '../../../core/random.ts';
import { median } from '../../../core/statistics.ts';
import { blockFrames } from '../../../deploy/trial/autocorrelation.ts';
import { TrialJudge } from '../../../deploy/trial/judge.ts';
import { trialLimits } from '../../../deploy/trial/limits.ts';
import { readPackage } from '../../../inference/read-package.ts';
import type { Benchmark, Figure, Limit } from '../../harness/benchmark.ts';
import { compressSqueezenet } from '../../harness/packages.ts';
import { BOXES, type ClipAnswers, clipAnswers, RATE } from '../../harness/trial/clip-answers.ts';
import {
  type DetectorFault,
  type DetectorShape,
  simulatedDetectorBlocks,
} from '../../harness/trial/detector-streams.ts';
import { simulatedTrial, type TrialOutcome } from '../../harness/trial/outcome.ts';
import { type Fault, type StreamShape, simulatedBlocks } from '../../harness/trial/streams.ts';

const DEFAULT_PACKAGE = join(PACKAGE_ROOT, 'demo', 'package');
const TRIALS = 1000;
const LIMITS = trialLimits.parse({});
const LEAST_FRAMES = 100;
const MOST_FRAMES = 2000;
const SHARES = [0.5, 0.3, 0.15, 0.05];

/** Traffic that is as slow as the slowest of the clips, and models that err as often as the default package does. */
async function shapeOf(
  clips: readonly ClipAnswers[],
): Promise<{ readonly shape: StreamShape; readonly frames: number }> {
  const time = Math.max(...clips.map(({ autocorrelation }) => autocorrelation));
  const { manifest } = await readPackage(DEFAULT_PACKAGE);
  const right = manifest.measured?.candidate.top1;
  if (right === undefined) throw new Error('the default package does not say how often it is right');
  // A mistake is a class drawn anew, which may be the right one: sum of the squares of the shares.
  const unlike = 1 - SHARES.reduce((sum, share) => sum + share * share, 0);
  // Of geometric lengths with mean m, 1 + 2 sum (1 - 1/m)^k = 2 m - 1.
  const shape = { shares: SHARES, frames: (time + 1) / 2, error: (1 - right) / unlike, regions: BOXES.length };
  return { shape, frames: blockFrames(time, LEAST_FRAMES, MOST_FRAMES) };
}

function shareFigure(subject: string, measure: string, count: number, limit?: Limit): Figure {
  const { low, high } = wilson(count, TRIALS);
  const interval = { low: low * 100, high: high * 100 };
  return {
    subject,
    measure,
    value: (100 * count) / TRIALS,
    unit: '%',
    interval,
    ...(limit === undefined ? {} : { limit }),
  };
}

function outcomeFigures(subject: string, ends: readonly TrialOutcome[], frames: number, limits: Limits): Figure[] {
  const promoted = ends.filter(({ verdict }) => verdict.step === 'promote');
  const undecided = ends.filter(({ verdict }) => verdict.reason === 'TRIAL_INCONCLUSIVE');
  const found = ends.filter(({ verdict }) => verdict.step === 'roll-back' && verdict.reason !== 'TRIAL_INCONCLUSIVE');
  const minutes = (some: readonly TrialOutcome[]): number =>
    (median(some.map(({ blocks }) => blocks)) * frames) / RATE / 60;
  return [
    shareFigure(subject, 'promoted', promoted.length, limits.promoted),
    shareFigure(subject, 'rolled back', found.length, limits.rolledBack),
    shareFigure(subject, 'undecided', undecided.length),
    ...(promoted.length > 0 ? [{ subject, measure: 'until promoted', value: minutes(promoted), unit: 'min' }] : []),
    ...(found.length > 0 ? [{ subject, measure: 'until rolled back', value: minutes(found), unit: 'min' }] : []),
  ];
}

interface Limits {
  readonly promoted?: Limit;
  readonly rolledBack?: Limit;
}

const WORSE: Limits = { promoted: { atMost: 100 * LIMITS.falsePromotions } };
const CASES: readonly (readonly [subject: string, fault: Fault, limits: Limits])[] = [
  ['equal', {}, { rolledBack: { atMost: 100 * LIMITS.falseRollbacks } }],
  ['1 point of a class moved', { classShift: 0.01 }, {}],
  ['2 points', { classShift: 0.02 }, {}],
  ['3 points, the margin', { classShift: LIMITS.classShift.margin }, WORSE],
  ['5 points', { classShift: 0.05 }, WORSE],
  ['slower by the margin', { slower: 1 + LIMITS.slower.margin }, WORSE],
];

/** As often as detectors of this size overlook what is in plain view; two of them then differ in 6% of their boxes. */
const OVERLOOKED = 0.03;
const [FIRST = 1] = SHARES;
/** Two that each miss a share m by themselves agree in (1 - m) / (1 + m) of what either found. */
const apart = (disagreement: number): number => disagreement / (2 - disagreement);

/** Each at the margin of one measure: by that alone, or a judge of several would be credited with what the others find. */
const DETECTOR_CASES: readonly (readonly [
  subject: string,
  fault: DetectorFault,
  limits: Limits,
  overlooked?: number,
])[] = [
  ['detector: equal', {}, { rolledBack: { atMost: 100 * LIMITS.falseRollbacks } }],
  [
    'detector: misses of one class, the margin',
    { missedOfFirst: ((1 - OVERLOOKED) * LIMITS.classShift.margin) / FIRST },
    WORSE,
  ],
  ['detector: as many boxes, others by the margin', {}, WORSE, apart(LIMITS.disagreement.margin)],
  // A difference d as a share of the mean of both: 2 x / (2 - x) = d.
  [
    'detector: counts fewer at lines, the margin',
    { lostAtLine: LIMITS.lineCounts.margin / (1 + LIMITS.lineCounts.margin / 2) },
    WORSE,
  ],
];

/** Trials of detectors on a street whose objects stay as long as the answers of the slowest clip. */
function detectorFigures({ shares, frames: stay, regions }: StreamShape, frames: number, random: Random): Figure[] {
  return DETECTOR_CASES.flatMap(([subject, fault, limits, missed = OVERLOOKED]) => {
    const shape: DetectorShape = { shares, frames: stay, missed, places: regions, lines: 2 };
    const ends = Array.from({ length: TRIALS }, () =>
      simulatedTrial(
        simulatedDetectorBlocks(shape, fault, frames, random),
        new TrialJudge(LIMITS, shares.length, { task: 'detector', lines: shape.lines }),
      ),
    );
    return outcomeFigures(subject, ends, frames, limits);
  });
}

export const trial: Benchmark = {
  name: 'trial',
  title: 'A new model judged by traffic: false alarms, and how soon a worse one is found',
  method:
    `SqueezeNet in int8 answers three regions of each clip, ${RATE} frames a second: how long answers stay (autocorrelation time). ` +
    `Then ${TRIALS} trials a row of two models on made-up traffic that stays as long as in the slowest clip; each errs by itself, as often as the default package on its held-out scenes, for as long as a thing stays. ` +
    `Detectors see one object after the other in three places, overlook ${100 * OVERLOOKED}% of them by mistakes of their own, each for as long as it is there, and count at two lines; each worse one is worse by the margin of one measure. ` +
    'Blocks are five autocorrelation times long, limits are the defaults. ' +
    'Minutes are medians, for one camera with three regions.',
  layout: 'grids',
  needs: ['shared-data', 'ffmpeg'],
  async run(place) {
    place.say('SqueezeNet');
    const { package: model } = await compressSqueezenet(place, 'squeezenet', '--rounding', 'nearest', '--limit', '20');
    const clips = await clipAnswers(model, place);
    const { shape, frames } = await shapeOf(clips);
    const random = seededRandom(1);
    const figures = CASES.flatMap(([subject, fault, limits]) => {
      place.say(subject);
      const ends = Array.from({ length: TRIALS }, () =>
        simulatedTrial(simulatedBlocks(shape, fault, frames, random), new TrialJudge(LIMITS, shape.shares.length)),
      );
      return outcomeFigures(subject, ends, frames, limits);
    });
    place.say('detectors');
    const ofDetectors = detectorFigures(shape, frames, seededRandom(2));
    const ofClips = clips.flatMap(({ clip, ...answers }): Figure[] => [
      { subject: clip, measure: 'frames', value: answers.frames, unit: '' },
      { subject: clip, measure: 'autocorrelation time', value: answers.autocorrelation, unit: 'frames' },
    ]);
    const notes = [
      `a block is ${frames} frames, a trial at most ${LIMITS.mostBlocks} blocks; each model takes ${(100 * shape.error).toFixed(1)}% of what is shown for a class drawn anew`,
      'tolerated is a change of half a point of a class, a tenth of a point of failed frames, 10% of time; between what is tolerated and the margin either end is right',
    ];
    return { figures: [...ofClips, ...figures, ...ofDetectors], notes };
  },
};
